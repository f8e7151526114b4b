"""Moments and spans of time: as words of a command line, and as they are told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_SPAN = re.compile(r"(\d{1,6})([smhdw])")


def span(_context: click.Context, _option: click.Parameter, words: str | None) -> timedelta | None:
    """`30d`, as an option's callback. Raises click.BadParameter."""
    if words is None:
        return None
    matched = _SPAN.fullmatch(words)
    if matched is None:
        raise click.BadParameter("give a number and s, m, h, d or w, such as 30d")
    return timedelta(**{UNITS[matched[2]]: int(matched[1])})


def since(context: click.Context, option: click.Parameter, words: str | None) -> datetime | None:
    """`24h` before now, or a date such as 2026-11-01, in UTC where it does not say; as an option's callback."""
    if words is None:
        return None
    try:
        moment = datetime.fromisoformat(words)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        ago = span(context, option, words)
        return datetime.now(UTC) - ago if ago else None
    except (click.BadParameter, OverflowError) as error:
        raise click.BadParameter("give a span such as 24h or 7d, or a date such as 2026-11-01") from error


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1000)


def told(milliseconds: int | None) -> str | None:
    """A moment of the database as 2026-11-01T12:00:00.000Z."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
