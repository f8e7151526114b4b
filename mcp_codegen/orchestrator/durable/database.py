"""Where durable runs are kept: an SQLite file, or PostgreSQL by its URL."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    InvalidatePoolError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from mcp_codegen.orchestrator.errors import OrchestratorError, UserError, root_cause, shown

logger = logging.getLogger(__name__)

DEFAULT_FILE = "orchestrator.sqlite"
PREFIXES = ("postgresql://", "postgres://", "postgresql+psycopg://")
BUSY_MILLISECONDS = 30_000
IDLE_SECONDS = 5
SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq's: a PostgreSQL that a network lost without a word is given up within half a minute, not in two hours. The last
is in milliseconds, and of Linux alone."""
UNSEEN_SECONDS = 1.0
"""What was used within so long is there. Of what is lost in that time a statement fails: the engine and the end of a
run ask again, and whoever else asked is told that the database is away."""
USED = "used"
POOL = 20
"""Connections: the engine's threads, and one for each of ours."""
REMEDIES = {
    "SQLITE_BUSY": "another program keeps it locked: let that end",
    "SQLITE_FULL": "make space on its disk",
    "DiskFull": "make space on its disk",
    "SQLITE_READONLY": "let its user write the file and its folder",
    "InsufficientPrivilege": "give its user the right to create tables and schemas in it",
}
"""By the database's own word for what went wrong, whose text may hold what was to be stored."""


def connect(spec: str, *, create: bool = True) -> sa.Engine:
    """The database that a command line names: a file's path, `sqlite:///PATH`, or `postgresql://…`.

    Raises UserError; with `create=False` also for a file that is not there.
    """
    if spec.startswith(PREFIXES):
        return _postgresql(spec)
    path = Path(spec.removeprefix("sqlite:///"))
    if "://" in spec and not spec.startswith("sqlite:///"):
        raise UserError(
            f"--database {shown(spec.partition('://')[0])}…: there is no such kind of database",
            hint="give a file's path for SQLite, or postgresql://USER@HOST/DATABASE",
        )
    if not create and not path.is_file():
        raise UserError(f"there is no database {shown(str(path))}", hint="name it with --database; `batch` makes one")
    return _sqlite(path)


def _sqlite(path: Path) -> sa.Engine:
    # The connection that was used last has pages of the file and statements in memory: each has 2 MB for the pages.
    engine = sa.create_engine(
        f"sqlite:///{path.resolve()}", pool_size=POOL, pool_use_lifo=True, connect_args={"isolation_level": "IMMEDIATE"}
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        for setting in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {setting}").close()

    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it holds personal data
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT count(*) FROM sqlite_master")).scalar_one()
    except (OSError, SQLAlchemyError) as error:
        reason = getattr(error, "strerror", None) or "it is no SQLite file, or cannot be written"
        raise UserError(
            f"the database {shown(str(path))} cannot be used: {reason}", hint="name another with --database"
        ) from error
    return engine


def _postgresql(spec: str) -> sa.Engine:
    url = "postgresql+psycopg://" + spec.partition("://")[2]
    place = "--database"
    try:
        parsed = sa.make_url(url)
        place = f"the database {shown(parsed.render_as_string(hide_password=True))}"
        asked = {name: value for name, value in SILENCE.items() if name not in parsed.query}
        # The connection that was used last has the statements prepared: taking turns, all prepare them all.
        engine = sa.create_engine(parsed, pool_size=POOL, pool_use_lifo=True, connect_args=asked)
        sa.event.listen(engine, "connect", _let_go)
        _look_after(engine)
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except (ArgumentError, SQLAlchemyError, ValueError) as error:
        raise UserError(
            f"{place} cannot be reached ({type(getattr(error, 'orig', None) or error).__name__})",
            hint="check host, port, user, password and that the database exists: postgresql://USER:PASSWORD@HOST/DATABASE",
        ) from error
    return engine


@contextmanager
def alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """For one statement, a transaction by itself: PostgreSQL gets one message in place of three.

    More than one would be a transaction each on PostgreSQL.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")
    else:
        with engine.begin() as connection:
            yield connection


def _let_go(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    """A process that stands still in the middle of a transaction does not keep what it has locked from the others."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    connection.commit()


def _look_after(engine: sa.Engine) -> None:
    """Replace connections that were lost while nobody used them.

    SQLAlchemy's own look (`pool_pre_ping`) would double the messages of a run, most of whose statements go alone.
    """

    @sa.event.listens_for(engine, "connect")
    @sa.event.listens_for(engine, "checkin")
    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[USED] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:  # noqa: ANN401 - the driver's own
        if time.monotonic() - record.info[USED] < UNSEEN_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise InvalidatePoolError from error  # then all are made anew


@contextmanager
def told() -> Iterator[None]:
    """What the database refuses or loses in the block is raised as OrchestratorError, without what was to be stored."""
    try:
        yield
    except Exception as error:
        if (failed := failure(error)) is None:
            raise
        logger.debug("the database failed", exc_info=True)
        raise failed from error


def failure(error: BaseException) -> OrchestratorError | None:
    """An error as it may be shown where it is the database's; None where it is another's."""
    cause = root_cause(error)
    if not isinstance(cause, SQLAlchemyError):
        return None
    original = getattr(cause, "orig", None) or cause
    word = str(getattr(original, "sqlite_errorname", None) or type(original).__name__)
    remedy = REMEDIES.get(word, "see that it is there, runs and has space")
    hint = f"{remedy}; then give the same command again: what it holds stays"
    return OrchestratorError(f"the database failed ({word})", code="database", hint=hint)


def away(error: BaseException) -> bool:
    """Whether the database may take by itself what it did not: it could not be reached, or another has it locked.

    Else it has no space, is broken, or must not be written: that waits for a person.
    """
    original = getattr(error, "orig", None)
    word = str(getattr(original, "sqlite_errorname", None) or "")
    if word:
        return word.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    lost = getattr(error, "connection_invalidated", False)
    return lost or isinstance(error, OperationalError | InterfaceError | TimeoutError)


def shown_place(spec: str) -> str:
    """The database as people may see it: without a password."""
    try:
        return sa.make_url(spec).render_as_string(hide_password=True) if "://" in spec else spec
    except ArgumentError:
        return spec.partition("://")[0]


@contextmanager
def reserved(engine: sa.Engine, name: str) -> Iterator[None]:
    """Hold a name as long as the block lasts: one process at a time, even when it is killed. Raises UserError."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            query = sa.text("SELECT pg_try_advisory_lock(:number)")
            if not connection.execute(query, {"number": _number(name)}).scalar_one():
                raise _taken(name)
            connection.commit()
            try:
                yield
            finally:
                with suppress(SQLAlchemyError):  # a connection that was lost holds it no more
                    connection.execute(sa.text("SELECT pg_advisory_unlock(:number)"), {"number": _number(name)})
            return
    with open(f"{engine.url.database}.lock", "ab") as file:
        try:
            import fcntl  # noqa: PLC0415 - not on Windows, where two processes of one batch are not told
        except ImportError:
            yield
            return
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _number(name))
        except OSError as error:
            raise _taken(name) from error
        yield


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6])


def _taken(name: str) -> UserError:
    return UserError(f"another process works on {shown(name)} already", hint="wait for it, or stop it first")
