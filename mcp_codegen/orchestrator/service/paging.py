"""Cursors: where the next page begins, as a text that callers pass back and need not understand."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from mcp_codegen.orchestrator.service.problems import Refusal

LARGEST = 2**63 - 1


def write(*values: int | str) -> str:
    """The cursor for what comes after these values of the order."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def read(cursor: str | None, *kinds: type[int] | type[str]) -> list[int | str] | None:
    """The values of a cursor; None for the first page. Raises `Refusal` for what `write` did not make."""
    if cursor is None:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    fits = isinstance(values, list) and list(map(type, values)) == list(kinds)
    if not fits or not all(map(_is_place, values)):
        raise Refusal(
            404, "there is no page of that cursor", code="unknown_cursor", hint="begin with the first page again"
        )
    return values  # type: ignore[no-any-return]  # its kinds were looked at


def _is_place(value: int | str) -> bool:
    """Whether it is a number or a name that a database can be asked for."""
    return 0 <= value <= LARGEST if isinstance(value, int) else value.isascii() and value.isprintable()


def place(cursor: str | None) -> tuple[int, str] | None:
    """The place that a cursor of a number and a name tells. Raises `Refusal`."""
    match read(cursor, int, str):
        case [int(number), str(name)]:
            return number, name
    return None


def moment(milliseconds: int) -> datetime:
    """A moment in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def moment_or_none(milliseconds: int | None) -> datetime | None:
    """A moment in UTC, if there is one."""
    return None if milliseconds is None else moment(milliseconds)
