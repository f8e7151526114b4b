"""What people see: a table for each subject and description, and by name what could not be had."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.figures import FLOOR, OURS, Figure, Found, Missing, Row, tables

CAPTION = "the least of several runs (median where it differs); in brackets, how many times ours"


def show(found: Sequence[Found], console: Console) -> None:
    """Everything that was found."""
    for (subject, spec), rows in tables(found).items():
        console.print(_table(subject, spec, rows))
    for one in found:
        if isinstance(one, Missing):
            where = f", {one.spec}" if one.spec else ""
            console.print(Text(f"no figure of {one.contestant} ({one.subject}{where}): {one.reason}"))


def written(value: float) -> str:
    """A figure with as many digits as it deserves."""
    if value == int(value):
        return f"{value:,.0f}"
    digits = max(0, 2 - int(math.log10(max(1, abs(value)))))
    return f"{value:,.{digits}f}"


def cell(row: Row, contestant: str) -> str:
    """A contestant's figure in a row, with its ratio."""
    one = row.figures.get(contestant)
    if one is None:
        return "-"
    ratio = row.ratio(contestant)
    behind = f" [{written(ratio)} x]" if ratio is not None and contestant != OURS else _median(one)
    return written(one.least) + behind


def _median(one: Figure) -> str:
    return f" ({written(one.median)})" if written(one.median) != written(one.least) else ""


def _table(subject: str, spec: str, rows: Sequence[Row]) -> Table:
    seen = {contestant for row in rows for contestant in row.figures}
    order = [name for name in (OURS, FLOOR) if name in seen] + sorted(seen - {OURS, FLOOR})
    title = subject if subject == spec else f"{subject}: {spec}"
    table = Table(title=title, caption=CAPTION, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    table.add_column("")
    for name in order:
        table.add_column(name, justify="right")
    table.add_column("target", justify="right")
    for row in rows:
        table.add_row(row.measure, *(Text(cell(row, name)) for name in order), _target(row))
    return table


def _target(row: Row) -> Text:
    if row.target is None:
        return Text("")
    if row.is_kept is None:
        return Text(f"≤ {written(row.target)}")
    return Text(
        f"≤ {written(row.target)} {'kept' if row.is_kept else 'MISSED'}", style="green" if row.is_kept else "red"
    )
