"""Our tables, beside the engine's own; times in milliseconds since 1970."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mcp_codegen.orchestrator.durable import changes
from mcp_codegen.orchestrator.errors import UserError

PREPARING = 0x6F726368
"""The lock under which tables are made, on PostgreSQL, where two that make one at the same time would clash."""

metadata = sa.MetaData()

sa.Sequence(changes.SEQUENCE, metadata=metadata)

batches = sa.Table(
    "orchestrator_batches",
    metadata,
    sa.Column("batch", sa.String(100), primary_key=True),
    sa.Column("process", sa.String(64), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("mock", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("state", sa.String(20), nullable=False, comment="see `states`"),
    sa.Column("halted_in", sa.String(20), comment="of a paused or cancelled batch: its state before"),
    sa.Column("priority", sa.String(10), nullable=False, default="normal"),
    sa.Column("rejected", sa.BigInteger, nullable=False, default=0),
    sa.Column("problem", sa.Text, comment="why its file could not be read to the end"),
    changes.column(),
)

runs = sa.Table(
    "orchestrator_runs",
    metadata,
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("batch", sa.String(100)),
    sa.Column("row", sa.BigInteger),
    sa.Column("process", sa.String(64), nullable=False),
    sa.Column("queue", sa.String(80), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("status", sa.String(20), comment="none until the run has ended"),
    sa.Column("steps_retried", sa.BigInteger, nullable=False, default=0),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("failed_step", sa.Text),
    sa.Column("again_from", sa.Text, comment="of a run to be retried: the step to go on with; empty for the first"),
    sa.Column("forked_from", sa.String(200), comment="the run whose first steps it took over"),
    changes.column(),
    sa.Index("orchestrator_runs_by_batch", "batch", "status"),
    sa.Index("orchestrator_runs_by_time", "created_ms", "run_id"),
    sa.Index("orchestrator_runs_in_order", "batch", "row", "run_id"),
    sa.Index("orchestrator_runs_by_end", "ended_ms"),
    sa.Index("orchestrator_runs_by_origin", "forked_from"),
    sa.Index(
        "orchestrator_runs_to_retry",
        "queue",
        postgresql_where=sa.text("again_from IS NOT NULL"),
        sqlite_where=sa.text("again_from IS NOT NULL"),
    ),
)

personal_names = sa.Table(
    "orchestrator_personal",
    metadata,
    sa.Column("process", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True, comment="of a member of its inputs or outputs that is masked"),
)

streaks = sa.Table(
    "orchestrator_streaks",
    metadata,
    sa.Column("process", sa.String(64), primary_key=True),
    sa.Column("step", sa.String(64), primary_key=True),
    sa.Column("in_a_row", sa.BigInteger, nullable=False, comment="failures since it last succeeded"),
    sa.Column("error_code", sa.Text, nullable=False, comment="of the last failure"),
    sa.Column("failed_ms", sa.BigInteger, nullable=False, comment="when the last run that it failed in ended"),
)

alerts = sa.Table(
    "orchestrator_alerts",
    metadata,
    sa.Column("rule", sa.String(64), primary_key=True),
    sa.Column("subject", sa.String(300), primary_key=True, comment="what it is about: a process, a step, a batch"),
    sa.Column("state", sa.String(10), nullable=False, comment="pending, firing, resolved"),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("text", sa.Text, nullable=False, comment="for people; holds no personal data"),
    sa.Column("since_ms", sa.BigInteger, nullable=False, comment="since when it is in this state"),
    sa.Column("told_ms", sa.BigInteger, comment="when it was last told of"),
    sa.Column("untold", sa.Text, nullable=False, comment="destinations that have still to hear of it, with commas"),
    sa.Column("tries", sa.BigInteger, nullable=False, default=0),
    sa.Column("next_ms", sa.BigInteger, nullable=False, default=0, comment="when they are tried again"),
)

origins = sa.Table(
    "orchestrator_origins",
    metadata,
    sa.Column("run_id", sa.String(200), primary_key=True, comment="empty where it is that of a batch"),
    sa.Column("batch", sa.String(100), primary_key=True, comment="empty where it is that of a run"),
    sa.Column("traceparent", sa.String(55), nullable=False, comment="of the request that started it"),
)

removals = sa.Table(
    "orchestrator_removals",
    metadata,
    sa.Column("run_id", sa.String(200), primary_key=True, comment="of a run that the engine has still to forget"),
)

workers = sa.Table(
    "orchestrator_workers",
    metadata,
    sa.Column("executor", sa.String(200), primary_key=True, comment="the name that the engine knows the process by"),
    sa.Column("session", sa.String(40), nullable=False, comment="one process's alone, also where names come again"),
    sa.Column("queue", sa.String(80), nullable=False),
    sa.Column("version", sa.String(100), nullable=False),
    sa.Column("place", sa.String(200), nullable=False, comment="host and process id, for people"),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False, comment="a process that is not heard of until then is dead"),
)

losses = sa.Table(
    "orchestrator_losses",
    metadata,
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("queue", sa.String(80), nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False, comment="that the process died which it was in flight in"),
)

limits = sa.Table(
    "orchestrator_limits",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("free_ms", sa.Double, nullable=False, comment="when the next call may be made"),
)

subscriptions = sa.Table(
    "orchestrator_webhooks",
    metadata,
    sa.Column("webhook", sa.String(40), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False, comment="kinds, with spaces between them"),
    sa.Column("process", sa.String(64), comment="only what is of it"),
    sa.Column("batch", sa.String(100), comment="only what is of it"),
    sa.Column("secret_env", sa.String(100), nullable=False, comment="the environment variable that holds its secret"),
    sa.Column("disabled", sa.Text, comment="why nothing more is sent there"),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

deliveries = sa.Table(
    "orchestrator_deliveries",
    metadata,
    sa.Column("delivery", sa.String(40), primary_key=True),
    sa.Column("webhook", sa.String(40), nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("payload", sa.Text, nullable=False, comment="what is sent, byte by byte"),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False, comment="when it is to be tried; names the attempt"),
    sa.Column("queued_ms", sa.BigInteger, comment="since when the engine has the attempt"),
    sa.Column("state", sa.String(10), nullable=False, comment="due, queued, delivered or dead"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("status", sa.Integer, comment="HTTP's, of the last answer"),
    sa.Column("problem", sa.Text, comment="why the last attempt failed, in short"),
    sa.UniqueConstraint("webhook", "event"),
    sa.Index("orchestrator_deliveries_by_state", "state", "due_ms"),
)


def now_ms(database: sa.Engine) -> sa.ColumnElement[float]:
    """This moment by the clock that all processes on the database share."""
    if database.dialect.name == "postgresql":
        return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.Double)
    return sa.literal(time.time() * 1000, sa.Double)


def insertion(database: sa.Engine, table: sa.Table) -> Any:  # noqa: ANN401 - one class for each dialect
    """An insertion that can say what to do about what is there."""
    dialect = postgresql if database.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def make(database: sa.Engine, *of: sa.MetaData) -> None:
    """Make the tables that are missing; of several processes that start together, one after the other.

    Raises UserError where one that is there lacks a column: tables are never altered.
    """
    with database.begin() as connection:
        if database.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PREPARING)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        for each in of:
            each.create_all(connection)
        if lacking := [name for each in of for name in _lacking(connection, each)]:
            raise UserError(
                f"the database was made by an older version: it lacks {lacking[0]}",
                hint="let that version end what it has begun, and name another database with --database",
            )


def _lacking(connection: sa.Connection, of: sa.MetaData) -> list[str]:
    """The columns that tables lack."""
    found = sa.inspect(connection).get_multi_columns(filter_names=list(of.tables))
    there = {(name, column["name"]) for (_, name), columns in found.items() for column in columns}
    wanted = [(table.name, column.name) for table in of.sorted_tables for column in table.columns]
    return [f"{table}.{column}" for table, column in wanted if (table, column) not in there]
