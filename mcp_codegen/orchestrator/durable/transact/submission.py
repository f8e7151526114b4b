"""Puts runs into a queue, with an engine in this process or without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from pydantic import JsonValue

from mcp_codegen.orchestrator.durable.database import told
from mcp_codegen.orchestrator.durable.queues import TURNS, Priority


def application(queue: str) -> str:
    """The engine's word for those who share a queue: its workers' versions are told apart from other processes'."""
    return f"process-{queue}"


def prepare(database: sa.Engine) -> None:
    """Make the engine's tables, or change those of an older release; those who start together wait in turn.

    Raises OrchestratorError.
    """
    with told():
        _migrate(database)


def prepared(database: sa.Engine) -> bool:
    """Whether the engine's tables are there."""
    schema = None if database.dialect.name == "sqlite" else "dbos"
    return sa.inspect(database).has_table("workflow_status", schema=schema)


def _migrate(database: sa.Engine) -> None:
    DBOS.migrate(database.url.set(drivername=database.dialect.name).render_as_string(hide_password=False))


class Submitter:
    """Puts runs of one process into one queue. Use `submitting`."""

    def __init__(self, client: DBOSClient, process: str, queue: str) -> None:
        self._client = client
        self.process = process
        self.queue = queue

    def enqueue(
        self, connection: sa.Connection, run_id: str, given: JsonValue, *, priority: Priority = "normal"
    ) -> None:
        """Have a run started as soon as its turn comes; within the caller's transaction, from a thread."""
        options: EnqueueOptions = {
            "workflow_name": self.process,
            "queue_name": self.queue,
            "workflow_id": run_id,
            "priority": TURNS[priority],
        }
        self._client.enqueue_in_transaction(connection, options, given)


@contextmanager
def submitting(database: sa.Engine, process: str, queue: str) -> Iterator[Submitter]:
    """A submitter to a queue, whether or not anybody has worked on it."""
    # Also where its tables are there: another process may be in the middle of making them, or was killed there.
    _migrate(database)
    client = DBOSClient(
        system_database_engine=database,
        serializer=DBOSPortableJSONSerializer(),
        application_name=application(queue),
    )
    try:
        yield Submitter(client, process, queue)
    finally:
        client.destroy()
