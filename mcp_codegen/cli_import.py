"""`mcp-codegen import`: descriptions that teams have already → a catalog."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mcp_codegen import editing, importing, source
from mcp_codegen.cli_telling import mistakes, uncollected
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.importers import report
from mcp_codegen.importers.assembling import PRESETS
from mcp_codegen.importing import Brought, Wishes

_MOST_SHOWN = 10
"""Of references that were refused; the report has them all."""


@click.command("import")
@click.argument("spec", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The catalog to write, or to bring up to date."
)
@click.option("--name", help="The catalog's name; default: its own, else that of its folder or file.")
@click.option(
    "--gateway", type=click.Path(path_type=Path), help="A file with 'gateways', and the 'gateway' to use of several."
)
@click.option("--preset", type=click.Choice(PRESETS), help="What a family of descriptions leaves out.")
@click.option("--select", multiple=True, metavar="PATTERN", help="Only these: tag:NAME, path:/GLOB* or name:GLOB*.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="All but these.")
@click.option("--new", type=click.Choice(["active", "inactive"]), help="New APIs; default: active in a new catalog.")
@click.option("--report", "told", type=click.Path(path_type=Path, allow_dash=True), help="Write what became of each operation: a table, or JSON in a .json file; - prints it.")  # fmt: skip  # noqa: E501
@click.option(
    "--root", type=click.Path(path_type=Path), help="Local references may not leave this folder; default: SPEC's."
)
@click.option("--allow-remote", is_flag=True, help="Follow references to http and https URLs.")
@uncollected()
def import_(
    *,
    spec: Path,
    out: Path,
    name: str | None,
    gateway: Path | None,
    preset: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    new: str | None,
    told: Path | None,
    root: Path | None,
    allow_remote: bool,
) -> None:
    """Make a catalog of OpenAPI, Postman or curl.

    SPEC is a file or a folder: an OpenAPI description 2.0, 3.0 or 3.1, JSON or YAML; a Postman collection 2.1; a
    file with curl commands, or - for standard input. Every operation becomes an API, or the report names the
    reason.

    Importing into the same catalog again keeps what was edited there.

    \b
    Examples:
      mcp-codegen import openapi.yaml --out catalog/shop/api_catalog.json --report -
      mcp-codegen import collection.json --out catalog/shop/api_catalog.json --select 'tag:orders'
      pbpaste | mcp-codegen import - --out catalog/shop/api_catalog.json
    """
    wishes = Wishes(
        name=name,
        gateway=gateway,
        preset=preset or "",
        select=select,
        exclude=exclude,
        active=None if new is None else new == "active",
        root=root,
        allow_remote=allow_remote,
    )
    with mistakes():
        text = _standard_input() if str(spec) == "-" else None
        brought = importing.bring(spec, text, out, wishes)
        editing.save(out, json.dumps(brought.catalog, indent=2, ensure_ascii=False) + "\n")
        _report(brought, told)
        _tell(brought)
    click.echo(f"{out} is written. Next: mcp-codegen generate {out}", err=True)


def _standard_input() -> str:
    return sys.stdin.buffer.read(source.MAX_BYTES).decode("utf-8", "replace")


def _report(brought: Brought, told: Path | None) -> None:
    if told is None:
        return
    made, library = brought.report, brought.library
    where = library.places(report.spots(made)) if library else {}
    text = report.as_json(made, where) if told.suffix.lower() == ".json" else report.as_table(made, where)
    if str(told) == "-":
        click.echo(text, nl=False)
        return
    try:
        told.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise SettingsError(f"{shown(str(told))} cannot be written: {error.strerror}; check --report") from error


def _tell(brought: Brought) -> None:
    refused = brought.library.refused() if brought.library else []
    for one in refused[:_MOST_SHOWN]:
        click.echo(f"{one}", err=True)
    if len(refused) > _MOST_SHOWN:
        click.echo(f"and {len(refused) - _MOST_SHOWN} more references that were not followed", err=True)
    click.echo(report.summary(brought.report), err=True)
    for hint in brought.report.hints:
        click.echo(f"hint: {hint}", err=True)
