"""`mcp-codegen lint`: what in a catalog's texts instructs or deceives the models that read them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import click

from mcp_codegen import __version__, pipeline, reviewing
from mcp_codegen.cli_telling import CATALOG, catalog_file, count, mistakes
from mcp_codegen.linting import LEVELS
from mcp_codegen.linting.sarif import sarif
from mcp_codegen.literals import json_text

_NONE: Final = "none"


@click.command("lint")
@click.argument("catalogs", nargs=-1, required=True, type=CATALOG)
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS, _NONE]),
    default="warning",
    show_default=True,
    help="Exit with 1 for findings of this level, or a graver one.",
)
def lint(catalogs: tuple[Path, ...], form: str, out: Path | None, fail_on: str, *, as_json: bool) -> None:
    """Look for text that instructs or deceives a model.

    Every agent that lists the tools reads the texts of a catalog and of descriptions.json beside it. Flagged is what
    tells a model what to do, hides, poses as a conversation, sends to other tools, or carries encoded data and links
    that are no pages to read. Notes tell plain links, and texts that are missing, too long or the same.

    What is right all the same is listed in the catalog's key `lint`, each with its reason; see docs/catalog.md.

    Exit codes: 0 nothing is flagged; 1 something is (see --fail-on), or a catalog has problems; 2 wrong usage.

    \b
    Examples:
      mcp-codegen lint catalog/telefonica
      mcp-codegen lint catalog/*/api_catalog.json --format sarif --out lint.sarif
    """
    form = "json" if as_json else form
    with mistakes(as_json=form == "json"):
        found = [one for loaded in pipeline.load_all(map(catalog_file, catalogs)) for one in reviewing.review(loaded)]
        if form == "sarif":
            text = json.dumps(sarif([(one.finding, one.diagnostic) for one in found], __version__), indent=2) + "\n"
        elif form == "json":
            text = json_text(reviewing.as_data(found)) + "\n"
        else:
            text = "".join(f"{one}\n" for one in found if not one.finding.reason)
        _tell(text, out)
    open_ones = [one.finding for one in found if not one.finding.reason]
    if form == "text":
        numbers = ", ".join(count(sum(one.level == level for one in open_ones), level) for level in LEVELS)
        click.echo(f"{numbers}; {len(found) - len(open_ones)} allowed", err=True)
    if fail_on != _NONE and any(LEVELS.index(one.level) <= LEVELS.index(fail_on) for one in open_ones):
        sys.exit(1)


def _tell(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    from mcp_codegen import output  # noqa: PLC0415 - seldom needed

    output.write_text(out, text)
