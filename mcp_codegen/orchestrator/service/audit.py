"""The audit log: who did what, when, from where, and how it ended; never what they sent or saw."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.errors import UserError, printable, shown

REFUSALS_A_SECOND = 10
"""That are written down; of further ones the number. Who cannot get in shall not fill a disk."""
LONGEST = 200

logger = logging.getLogger(__name__)

metadata = sa.MetaData()

_entries = sa.Table(
    "orchestrator_audit",
    metadata,
    sa.Column("entry", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("caller", sa.String(LONGEST), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("address", sa.String(LONGEST), nullable=False),
    sa.Column("action", sa.String(LONGEST), nullable=False),
    sa.Column("target", sa.String(LONGEST), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("request_id", sa.String(LONGEST), nullable=False),
    sa.Column("unwritten", sa.Integer, nullable=False),
)
_WRITE = sa.insert(_entries)
"""Written once: to put a statement together costs more than to execute it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that somebody did or tried. `action` is a method and a route, or a verb of the command line."""

    caller: str
    role: str = ""
    address: str = ""
    action: str
    target: str = ""
    """The run, the batch or the key."""
    status: int = 0
    """HTTP's; 0 for the command line."""
    request_id: str = ""


class Audit:
    """Writes entries to the database, and as lines of JSON to a file if there is one."""

    def __init__(self, database: sa.Engine, file: Path | None = None) -> None:
        """Raises UserError for a file that cannot be written; `-` is standard error."""
        self._database = database
        self._descriptor = _opened(file) if file is not None else None
        self._second, self._written, self._unwritten = 0, 0, 0

    def write(self, entry: Entry) -> None:
        """Write it down; a database or a disk that does not take it is told in the log, and fails no request."""
        values: dict[str, Any] = {
            name: printable(value)[:LONGEST] if isinstance(value, str) else value
            for name, value in asdict(entry).items()
        } | {"time_ms": milliseconds(), "unwritten": self._unwritten}
        self._unwritten = 0
        try:
            with self._database.begin() as connection:
                connection.execute(_WRITE, values)
        except SQLAlchemyError as error:
            logger.error("the audit log cannot be written: %s", type(error).__name__)  # noqa: TRY400 - said in words
        if self._descriptor is not None:
            line = json.dumps(values).replace("\x7f", "\\u007f")  # ASCII, every other control character escaped
            try:
                os.write(self._descriptor, f"{line}\n".encode())
            except OSError as error:
                logger.error("the audit log cannot be written: %s", error.strerror)  # noqa: TRY400 - the same

    def too_many(self) -> bool:
        """Of a refusal: whether it is only to be counted."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= REFUSALS_A_SECOND:
            self._unwritten += 1
            return True
        self._written += 1
        return False


def entries(database: sa.Engine, *, before: int | None, limit: int) -> Sequence[sa.Row[Any]]:
    """The latest entries, those before one if it is given."""
    query = sa.select(_entries).order_by(_entries.c.entry.desc()).limit(limit)
    if before is not None:
        query = query.where(_entries.c.entry < before)
    with database.connect() as connection:
        return connection.execute(query).all()


def _opened(file: Path) -> int:
    try:
        if str(file) == "-":
            return sys.stderr.fileno()
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise UserError(
            f"--audit-log {shown(str(file))}: {error.strerror}", hint="name a file in a folder that you may write"
        ) from error
