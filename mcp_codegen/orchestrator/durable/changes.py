"""What has changed: each change of a run or a batch gives it a new number, and who follows asks for higher ones.

A feed of states, not of transitions: of what changed twice between two looks the later state is seen. Nothing has to be
kept or thrown away for it, and who comes back after a week gets every run that changed, once, as it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

LATE_SECONDS = 10.0
"""On PostgreSQL a transaction may take its number before another, and end after it; none of ours takes so long."""


class NextChange(FunctionElement[int]):
    """The number of the change that a statement makes; SQLAlchemy puts it into each insertion and update."""

    type = sa.BigInteger()
    inherit_cache = True


SEQUENCE = "orchestrator_changes"


@compiles(NextChange, "postgresql")
def _of_postgresql(_element: NextChange, _compiler: Any, **_words: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"nextval('{SEQUENCE}')"


@compiles(NextChange, "sqlite")
def _of_sqlite(_element: NextChange, _compiler: Any, **_words: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return (
        "(SELECT 1 + max((SELECT coalesce(max(change), 0) FROM orchestrator_runs), "
        "(SELECT coalesce(max(change), 0) FROM orchestrator_batches)))"
    )


def column() -> sa.Column[int]:
    """The column of a table whose rows are followed."""
    return sa.Column("change", sa.BigInteger, nullable=False, default=NextChange(), onupdate=NextChange(), index=True)


def latest(database: sa.Engine, *tables: sa.Table) -> int:
    """The highest number so far."""
    with database.connect() as connection:
        return max(connection.scalar(sa.select(sa.func.max(table.c.change))) or 0 for table in tables)


def between(
    database: sa.Engine, table: sa.Table, after: int, until: int | None = None, limit: int | None = None
) -> Sequence[sa.Row[Any]]:
    """What changed after one number and up to another, in the order of the changes."""
    query = sa.select(table).where(table.c.change > after).order_by(table.c.change).limit(limit)
    if until is not None:
        query = query.where(table.c.change <= until)
    with database.connect() as connection:
        return connection.execute(query).all()
