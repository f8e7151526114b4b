"""`mcp-codegen init`, `add` and `list`: catalogs of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_codegen import adding, editing, pipeline, source, starting
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.cli_telling import CATALOG, catalog_file, catalog_files, mistakes
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.literals import json_text
from mcp_codegen.names import tool_name

_COLUMNS = ("tool", "method", "endpoint", "gateway", "hints", "active", "inputs", "tags")
_SHORT = ("method", "hints", "active", "inputs")
"""Columns that are never broken into lines."""


@click.command("init")
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@click.option("--folder", type=CATALOG, default=Path("catalog"), show_default=True, help="Where catalogs are kept.")
@click.option("--force", is_flag=True, help="Overwrite the catalog that is there.")
def init(name: str, kind: str, folder: Path, *, force: bool) -> None:
    """Write a catalog to start with, explained.

    It is catalog/NAME/api_catalog.yaml: three small APIs that validate, generate, and run against a stand-in.

    \b
    Examples:
      mcp-codegen init shop
      mcp-codegen init shop --format json    without comments, since JSON has none
    """
    with mistakes():
        text = starting.starter(name, as_json=kind == "json")
        here = folder / name
        file = here / f"api_catalog.{kind}"
        there = [one for one in (here / f"api_catalog.{end}" for end in ("json", "yaml", "yml")) if one.exists()]
        if there and not (force and there == [file]):
            hint = "--force overwrites it" if there == [file] else "remove it, or choose another name"
            raise SettingsError(f"{shown(str(there[0]))} exists; {hint}")
        editing.save(file, text)
        schema = folder / "catalog.schema.json"
        if not schema.exists():
            editing.save(schema, pipeline.language_schema())
    click.echo(f"{file} is written. Next:\n")
    click.echo(f"  mcp-codegen validate {file}")
    click.echo(f"  mcp-codegen generate {file}      # the package, in out/{name}")
    click.echo(f"  mcp-codegen mock {file}          # a stand-in of its APIs, to try it")
    click.echo(f"  mcp-codegen add 'curl …' --catalog {file}")


@click.command("add")
@click.argument("command")
@click.option("--catalog", type=CATALOG, help="The catalog; default: the only catalog/*/api_catalog.* there is.")
@click.option("--name", default="", help="What the API is called; default: after its method and path.")
@click.option("--gateway", default="", metavar="NAME", help="The gateway it goes through; default: by the URL.")
def add(command: str, catalog: Path | None, name: str, gateway: str) -> None:
    """Append an API to a catalog, from a curl command.

    COMMAND is one command, or several, in quotes; - reads them from standard input. They are read, never run.
    Secrets in it are not copied: they become an auth that names environment variables. Types are inferred from the
    one example that the command is. The rest of the file stays as it is, byte for byte, and nothing is written
    unless the result is a valid catalog.

    \b
    Examples:
      mcp-codegen add 'curl https://api.example.com/v1/orders/17 -H "Authorization: Bearer …"'
      pbpaste | mcp-codegen add - --catalog catalog/shop/api_catalog.yaml --name get_order
    """
    with mistakes():
        file = catalog_file(catalog) if catalog else _only_catalog()
        read = source.load(file)
        text = _standard_input() if command == "-" else command
        added = adding.add(read, file, text, name=name, gateway=gateway)
        editing.save(file, added.read.text)
    for one in added.names:
        click.echo(f"{file}: added {one}")
    for said in added.notes:
        click.echo(f"note: {said}", err=True)


@click.command("list")
@click.argument("catalogs", nargs=-1, required=True, type=CATALOG)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only APIs with this tag; several times: any of them."
)
@click.option("--inactive", is_flag=True, help="Only APIs that are not active.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_(catalogs: tuple[Path, ...], tags: tuple[str, ...], *, inactive: bool, as_json: bool) -> None:
    """List the APIs of catalogs in a table.

    Each with its tool's name, method, endpoint, gateway, hints, number of inputs, and tags. On a terminal it is a
    table that fits; into a pipe, every value stands whole, in columns.

    \b
    Examples:
      mcp-codegen list catalog/*/api_catalog.json
      mcp-codegen list catalog/shop/api_catalog.yaml --tag orders
      mcp-codegen list catalog/shop/api_catalog.yaml --inactive --json
    """
    with mistakes(as_json=as_json):
        files = [catalog_file(path) for path in catalogs]
        loaded = pipeline.load_all(files)
    rows = [
        _row(file, one.catalog, operation)
        for file, one in zip(files, loaded, strict=True)
        for operation in one.catalog.operations
        if (not tags or set(tags) & set(operation.api.tags)) and not (inactive and operation.api.active)
    ]
    if as_json:
        click.echo(json_text(rows))
    elif rows:
        _table(rows, several=len(catalogs) > 1)
    else:
        click.echo("No API of these catalogs fits.", err=True)


def _row(file: Path, catalog: CheckedCatalog, one: Operation) -> dict[str, Any]:
    return {
        "catalog": catalog.catalog.name,
        "file": str(file),
        "tool": tool_name(one.api.name),
        "name": one.api.name,
        "method": one.method,
        "endpoint": one.base_url + one.path,
        "gateway": one.gateway or None,
        "readOnly": one.read_only,
        "destructive": one.destructive,
        "active": one.api.active,
        "deprecated": one.api.deprecated,
        "inputs": len(one.parameters),
        "tags": one.api.tags,
    }


def _table(rows: list[dict[str, Any]], *, several: bool) -> None:
    columns = (*(("catalog",) if several else ()), *_COLUMNS)
    cells = [[_cell(row, column) for column in columns] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(len(line[index]) for line in [list(columns), *cells]) for index in range(len(columns))]
        for line in [list(columns), *cells]:
            click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        side: Literal["left", "right"] = "right" if column == "inputs" else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=column in _SHORT)
    for line in cells:
        table.add_row(*map(Text, line))
    Console().print(table)


def _cell(row: dict[str, Any], column: str) -> str:
    if column == "hints":
        return "read-only" if row["readOnly"] else "destructive" if row["destructive"] else "writes"
    value = row[column]
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(value) if isinstance(value, list) else str(value) if value is not None else "-"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) or "-"


def _only_catalog() -> Path:
    found = catalog_files()
    if len(found) == 1:
        return found[0]
    if not found:
        raise SettingsError(
            "there is no catalog/*/api_catalog.* here; name one with --catalog, or start: mcp-codegen init"
        )
    several = ", ".join(map(str, found[:5]))
    raise SettingsError(f"there are {len(found)} catalogs here ({several}); name one with --catalog")


def _standard_input() -> str:
    return sys.stdin.buffer.read(source.MAX_BYTES).decode("utf-8", "replace")
