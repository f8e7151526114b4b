"""`mcp-codegen evaluate`: questions → a table or JSON, and an exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_codegen import pipeline
from mcp_codegen.cli_telling import CATALOG, catalog_file, mistakes, uncollected
from mcp_codegen.evaluation import questions, retrieval, serving
from mcp_codegen.evaluation.questions import Question
from mcp_codegen.evaluation.retrieval import Found
from mcp_codegen.listing import tool_names
from mcp_codegen.pipeline import Loaded


@click.command()
@click.argument("catalog", type=CATALOG)
@click.option(
    "--questions", "file", type=click.Path(path_type=Path), help="Default: questions.json beside the catalog."
)
@click.option("--fail-under", type=click.FloatRange(0, 1), default=0.0, help="Exit with 1 where fewer are among 5.")
@click.option("--json", "as_json", is_flag=True, help="Print every question and what was found as JSON.")
def evaluate(catalog: Path, file: Path | None, *, fail_under: float, as_json: bool) -> None:
    """Measure whether the right tool is found for questions.

    A file of questions has, for each, what somebody asks (`ask`) and the `tool` that answers it, and may have the
    `arguments` of the call. The catalog's server is started in search mode and asked each, in its own words.

    \b
    Example:  mcp-codegen evaluate catalog/telefonica --fail-under 0.95
    """
    with uncollected(), mistakes():
        path = catalog_file(catalog)
        (loaded,) = pipeline.load_all([path])
        asked = questions.read(file or path.with_name("questions.json"), tool_names(loaded.catalog).values())
        found = asyncio.run(_searched(loaded, asked))
    rates = retrieval.rates(found)
    if as_json:
        click.echo(json.dumps(_told(path, found, rates), indent=2, ensure_ascii=False))
    else:
        _print(found, rates)
    sys.exit(1 if rates[retrieval.PLACES[-1]] < fail_under else 0)


async def _searched(loaded: Loaded, asked: tuple[Question, ...]) -> list[Found]:
    async with serving.served(loaded, ["--tools", "search"]) as client:
        return [found async for found in retrieval.searched(client, asked)]


def _told(path: Path, found: list[Found], rates: dict[int, float]) -> dict[str, Any]:
    rows = [
        {"ask": one.question.ask, "tools": list(one.question.tools), "place": one.place, "found": list(one.names[:5])}
        for one in found
    ]
    return {
        "catalog": str(path),
        "questions": rows,
        "among": {str(most): round(rate, 4) for most, rate in rates.items()},
    }


def _print(found: list[Found], rates: dict[int, float]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("place", "question", "tool", "found first"):
        table.add_column(heading, overflow="fold")
    for one in found:
        style = "green" if one.place == 1 else "" if one.place and one.place <= retrieval.PLACES[-1] else "red"
        cells = (str(one.place or "-"), one.question.ask, " or ".join(one.question.tools), *one.names[:1])
        table.add_row(*(Text(cell) for cell in cells), style=style)
    console = Console(highlight=False)
    console.print(table)
    said = ", ".join(f"{rate:.0%} among the first {most}" for most, rate in rates.items())
    console.print(f"\n{len(found)} questions: {said}".replace("among the first 1", "first", 1))
