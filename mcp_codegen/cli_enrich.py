"""`mcp-codegen enrich`: a language model writes texts, into `descriptions.json` beside the catalog."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mcp_codegen import descriptions, language_models, memory, pipeline, reviewing
from mcp_codegen.cli_telling import CATALOG, Number, catalog_file, count, mistakes, note
from mcp_codegen.enrichment import costs, prompting
from mcp_codegen.enrichment.costs import Budget, Price
from mcp_codegen.enrichment.keeping import Keeper, alone
from mcp_codegen.enrichment.planning import Question, plan
from mcp_codegen.enrichment.running import CONCURRENT, Outcome, run
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.texts import places

_TAG = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
_SHOWN = 10
"""Of places without a text, as many are named."""


@click.command("enrich")
@click.argument("catalog", type=CATALOG)
@click.option(
    "--language", default="", metavar="TAG", help="The texts' language, such as en or es; default: the catalog's."
)
@click.option("--only", multiple=True, metavar="PATTERN", help="Only APIs and types whose name fits, such as 'list_*'.")
@click.option("--missing", is_flag=True, help="Only places that have no text at all.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked, and what it would cost; ask nothing.")
@click.option("--max-cost", type=Number(min=0), metavar="USD", help="Stop before more than this is spent.")
@click.option("--price", default="", metavar="IN/OUT", help="US dollars for a million tokens, in place of the table's.")
@click.option(
    "--model", default="", metavar="NAME", help="The model, or Azure's deployment; default: as the environment says."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=CONCURRENT, show_default=True, help="Requests at a time."
)
def enrich(
    catalog: Path,
    *,
    language: str,
    only: tuple[str, ...],
    max_cost: float | None,
    price: str,
    model: str,
    concurrency: int,
    missing: bool,
    dry_run: bool,
) -> None:
    """Have a language model write titles and descriptions.

    They go to descriptions.json beside the catalog, for you to review, edit and commit; `generate` reads them there,
    without a network. A model gets names, types, constraints and texts; never an example, an address of a gateway or
    a setting. Of its answers nothing counts but the texts of places that were asked for, and of these none that the
    linter flags. A text is asked for once: again only where what it was made from has changed. What you edit is yours.

    The service is OpenAI (OPENAI_API_KEY; OPENAI_BASE_URL for another that speaks as it does; OPENAI_MODEL) or Azure
    OpenAI (AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_CHAT_DEPLOYMENT_NAME, AZURE_OPENAI_API_VERSION, AZURE_OPENAI_API_KEY,
    or Entra ID: pip install 'mcp-codegen[azure]'). Every answer is on disk at once: stopped at any moment, the same
    command goes on where it was.

    Exit codes: 0 every text is there; 1 some are not, or --max-cost was reached; 2 wrong usage; 130 stopped by Ctrl-C.

    \b
    Examples:
      mcp-codegen enrich catalog/telefonica --dry-run
      mcp-codegen enrich catalog/telefonica --language en --only 'deuda_*' --max-cost 0.50
    """
    with mistakes():
        _check_language(language)
        file = catalog_file(catalog)
        loaded = pipeline.load(file)
        data = pipeline.plain(loaded.read, file)
        keeper = Keeper(file, loaded.catalog.catalog.name, places(data))
        questions = plan(places(data), keeper.texts, language, only, missing=missing)
        chosen = language_models.configured_model(os.environ, model)
        cost = costs.price(chosen, price)
        _foretell(questions, data, language, chosen, cost)
        if dry_run:
            return
        with alone(file):
            _clean(keeper, file)
            if not questions:
                return
            service, budget = language_models.service(os.environ, model), Budget(max_cost)
            outcome = None
            with _progress(sum(len(one.places) for one in questions)) as watch, suppress(KeyboardInterrupt):
                outcome = asyncio.run(
                    run(
                        questions,
                        data,
                        language=language,
                        service=service,
                        price=cost,
                        budget=budget,
                        keeper=keeper,
                        watch=watch,
                        concurrent=concurrency,
                    )
                )
            keeper.save()
        if outcome is None:
            click.echo(f"Stopped. {descriptions.file_of(file)} holds every answer; the same command goes on.", err=True)
            sys.exit(130)
        _tell(outcome, budget, file, questions)
        note(reviewing.flagged(pipeline.load(file), memory.folder(os.environ)))
    if outcome.refused or outcome.failure or outcome.is_out_of_money:
        sys.exit(1)


def _check_language(tag: str) -> None:
    if tag and not re.fullmatch(_TAG, tag):
        raise SettingsError(f"--language {shown(tag)} is no language; write a tag such as en, es or pt-BR")


def _foretell(questions: Sequence[Question], data: dict[str, object], language: str, model: str, price: Price) -> None:
    texts = sum(len(one.places) for one in questions)
    if not texts:
        click.echo("Every text is there already; nothing is asked.")
        return
    needed = sum(costs.tokens_in(prompting.size(one, data, language)) for one in questions)
    usual = sum(costs.usual_tokens_out(one) for one in questions)
    most = sum(costs.most_tokens_out(one, model) for one in questions)
    click.echo(
        f"{count(texts, 'text')} in {count(len(questions), 'request')} to {model}: "
        f"about {needed:,} tokens in and {usual:,} out, estimated by characters; "
        f"about US$ {price.cost(needed, usual):.4f}, at most US$ {price.cost(needed, most):.4f} "
        f"at the price of {price.of} (US$ {price.tokens_in:g} in, {price.tokens_out:g} out per million)"
    )


def _clean(keeper: Keeper, file: Path) -> None:
    gone, kept = keeper.drop_vanished()
    keeper.save()
    name = descriptions.file_of(file)
    if gone:
        click.echo(f"note: {name}: {count(gone, 'text')} of places that are gone removed", err=True)
    if kept:
        said = f"{count(kept, 'text')} of people for places that are gone kept"
        click.echo(f"note: {name}: {said}; remove them when you like", err=True)


def _tell(outcome: Outcome, budget: Budget, file: Path, questions: Sequence[Question]) -> None:
    asked = sum(len(one.places) for one in questions)
    click.echo(
        f"{descriptions.file_of(file)}: {outcome.written} of {count(asked, 'text')} written "
        f"in {count(budget.requests, 'request')}; {budget.tokens_in:,} tokens in and {budget.tokens_out:,} out, "
        f"as counted by the service, US$ {budget.spent:.4f}"
    )
    for pointer, why in list(outcome.refused.items())[:_SHOWN]:
        click.echo(f"no text for {shown(pointer)}: {why}", err=True)
    if len(outcome.refused) > _SHOWN:
        click.echo(f"no text for {len(outcome.refused) - _SHOWN} more places", err=True)
    if outcome.is_out_of_money:
        click.echo(
            f"Stopped before --max-cost {budget.most:g} would be exceeded; the same command with more goes on.",
            err=True,
        )
    if outcome.failure:
        click.echo(f"Stopped: {outcome.failure}; the same command goes on.", err=True)
    if outcome.written:
        click.echo(f"Next: read {descriptions.file_of(file)}, edit what is not right, mcp-codegen generate {file}")


@contextmanager
def _progress(texts: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal."""
    columns = (TextColumn("Writing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=texts)
        yield lambda number: bar.advance(task, number)
