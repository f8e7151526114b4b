"""`mcp-codegen evaluate`: questions → a table or JSON, and an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from mcp_codegen import language_models, pipeline
from mcp_codegen.cli_telling import CATALOG, Number, catalog_file, count, mistakes, uncollected
from mcp_codegen.evaluation import choice, questions, retrieval, serving
from mcp_codegen.evaluation.choice import Choice, Chooser
from mcp_codegen.evaluation.questions import Question
from mcp_codegen.evaluation.retrieval import Found
from mcp_codegen.language_models import Service
from mcp_codegen.listing import tool_names
from mcp_codegen.pipeline import Loaded

_CONCURRENT: Final = 4
_MANY: Final = 40
"""More tools than these are searched, not shown, unless it is said otherwise."""


@click.command()
@click.argument("catalog", type=CATALOG)
@click.option(
    "--questions", "file", type=click.Path(path_type=Path), help="Default: questions.json beside the catalog."
)
@click.option("--ask", is_flag=True, help="Ask a language model too: which tool does it call, and with what?")
@click.option("--model", default="", metavar="NAME", help="The model to ask; default: as the environment says.")
@click.option(
    "--tools", type=click.Choice(["all", "search"]), help="What the model is shown; default: by their number."
)
@click.option("--fail-under", type=Number(0, 1), default=0.0, help="Exit with 1 where fewer are right.")
@click.option("--json", "as_json", is_flag=True, help="Print every question and what was found as JSON.")
def evaluate(
    catalog: Path, file: Path | None, *, ask: bool, model: str, tools: str | None, fail_under: float, as_json: bool
) -> None:
    """Measure whether the right tool is found for questions.

    A file of questions has, for each, what somebody asks (`ask`) and the `tool` that answers it, and may have the
    `arguments` that follow from it. The catalog's server is started in search mode and asked each, in its own words:
    the tool should be among the first five.

    With --ask, a language model (the same settings as for `enrich`) is shown the server's tools and asked each
    question. What it calls is compared, and never run. --fail-under is then about its choices.

    \b
    Examples:
      mcp-codegen evaluate catalog/telefonica --fail-under 0.95
      OPENAI_BASE_URL=http://localhost:11434/v1 mcp-codegen evaluate catalog/telefonica --ask --model qwen3
    """
    with uncollected(), mistakes():
        service = language_models.service(os.environ, model) if ask or model else None
        path = catalog_file(catalog)
        (loaded,) = pipeline.load_all([path])
        asked = questions.read(file or path.with_name("questions.json"), tool_names(loaded.catalog).values())
        found = asyncio.run(_searched(loaded, asked))
        shown = tools or ("search" if len(loaded.catalog.active) > _MANY else "all")
        choices = asyncio.run(_chosen(loaded, asked, service, shown)) if service else []
    rate = choice.rates(choices)[0] if service else retrieval.rates(found)[retrieval.PLACES[-1]]
    if as_json:
        click.echo(json.dumps(_told(path, found, choices, service), indent=2, ensure_ascii=False))
    else:
        _print_found(found)
        if service:
            _print_choices(choices, service)
    sys.exit(1 if rate < fail_under else 0)


async def _searched(loaded: Loaded, asked: Sequence[Question]) -> list[Found]:
    async with serving.served(loaded, ["--tools", "search"]) as client:
        return [found async for found in retrieval.searched(client, asked)]


async def _chosen(loaded: Loaded, asked: Sequence[Question], service: Service, shown: str) -> list[Choice]:
    """What the model chooses, in the order of the questions. Raises `SettingsError`."""
    limit = asyncio.Semaphore(_CONCURRENT)
    async with (
        serving.served(loaded, ["--tools", shown]) as server,
        language_models.client(service) as connection,
    ):
        chooser = Chooser(connection, service, server, await choice.offered(server), shown == "search")
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task(service.model, total=len(asked))

            async def one(question: Question) -> Choice:
                async with limit:
                    made = await chooser.choose(question)
                progress.advance(task)
                return made

            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one(question)) for question in asked]
            except ExceptionGroup as several:  # the service cannot be used: each question says so
                raise several.exceptions[0] from several
    return [each.result() for each in tasks]


def _told(path: Path, found: Sequence[Found], choices: Sequence[Choice], service: Service | None) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"ask": one.question.ask, "tools": list(one.question.tools), "place": one.place, "found": list(one.names[:5])}
        for one in found
    ]
    for row, made in zip(rows, choices, strict=False):
        row["chosen"] = {
            "tool": made.tool,
            "arguments": made.arguments,
            "right": made.is_right,
            "exact": made.is_exact,
            "rounds": made.rounds,
            "tokens": made.tokens,
            "problem": made.problem,
        }
    among = {str(most): round(rate, 4) for most, rate in retrieval.rates(found).items()}
    right, exact = choice.rates(choices)
    asked = {"model": service.model, "right": round(right, 4), "exact": round(exact, 4)} if service else None
    return {"catalog": str(path), "questions": rows, "among": among} | ({"choices": asked} if asked else {})


def _print_found(found: Sequence[Found]) -> None:
    rows = [
        (
            (str(one.place or "-"), one.question.ask, " or ".join(one.question.tools), *one.names[:1]),
            "green" if one.place == 1 else "" if one.place and one.place <= retrieval.PLACES[-1] else "red",
        )
        for one in found
    ]
    _print(("place", "question", "tool", "found first"), rows)
    said = ", ".join(f"{rate:.0%} among the first {most}" for most, rate in retrieval.rates(found).items())
    click.echo(f"\n{count(len(found), 'question')}: {said}".replace("among the first 1", "first", 1))


def _print_choices(choices: Sequence[Choice], service: Service) -> None:
    rows = [
        (
            ("exact" if one.is_exact else "right" if one.is_right else "wrong", one.question.ask, choice.told(one)),
            "green" if one.is_exact else "" if one.is_right else "red",
        )
        for one in choices
    ]
    click.echo()
    _print(("choice", "question", service.model), rows)
    right, exact = choice.rates(choices)
    tokens = sum(one.tokens for one in choices)
    click.echo(f"\n{right:.0%} of the tools right, {exact:.0%} with their arguments; {tokens} tokens")


def _print(headings: Sequence[str], rows: Sequence[tuple[Sequence[str], str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    for cells, style in rows:
        table.add_row(*map(Text, cells), style=style)
    Console(highlight=False).print(table)
