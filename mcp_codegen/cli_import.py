"""`mcp-codegen import`: descriptions that teams have already → a catalog."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mcp_codegen import catalog, checked, names, parsing, rules, source
from mcp_codegen.cli_telling import uncollected
from mcp_codegen.errors import CatalogError, CodegenError, Diagnostic, Problem, SettingsError, shown
from mcp_codegen.importers import curl_import, merge, openapi, postman, proving, report, selecting, sources
from mcp_codegen.importers.assembling import PRESETS, Gateways, Imported, Settings, assembled
from mcp_codegen.importers.drafts import Description
from mcp_codegen.importers.references import Library

Json = dict[str, Any]
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
@click.option("--allow-remote", is_flag=True, help="Follow references to https URLs.")
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
    try:
        mine = _existing(out)
        library, found, called = _described(spec, root, _name(name, mine, out), allow_remote=allow_remote)
        kept, remembered = merge.remembered(mine) if mine else (None, "")
        settings = Settings(
            name=_name(name, mine, out),
            gateways=_gateways(gateway) or kept,
            preset=preset or remembered,
            select=tuple(selecting.parse(text) for text in select),
            exclude=tuple(selecting.parse(text) for text in exclude),
            active=new == "active" if new else mine is None,
        )
        imported = proving.proved(assembled(found, settings), _problems)
        result = _result(mine, imported, settings, called, out)
        _write(out, result)
        _tell(imported, library, told)
    except CodegenError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _described(
    spec: Path, root: Path | None, name: str, *, allow_remote: bool
) -> tuple[Library | None, Description, str]:
    """The description, whatever its kind, and what it is called."""
    if str(spec) == "-":
        return (
            None,
            curl_import.read(
                sys.stdin.buffer.read(source.MAX_BYTES).decode("utf-8", "replace"), "standard input", name
            ),
            "curl",
        )
    file = sources.main_file(spec)
    if file.suffix.lower() not in (".json", ".yaml", ".yml"):
        text = _text(file)
        if curl_import.is_curl(text):
            return None, curl_import.read(text, str(file), name), file.name
    folder = root or (spec if spec.is_dir() else file.parent)
    try:
        key = file.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise SettingsError(
            f"{shown(str(file))} does not stand in {shown(str(folder))}; name a folder around it"
        ) from error
    library = Library(key, sources.reader(folder, folder, allow_remote=allow_remote))
    if postman.is_postman(library.root):
        return library, postman.read(library, name), file.name
    return library, openapi.read(library, name), file.name


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(source.MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise CatalogError([Diagnostic(str(file), 1, 1, "$", f"cannot be read: {reason}", "check the path")]) from error


def _existing(out: Path) -> Json | None:
    """The catalog that is brought up to date; None where there is none yet. Raises `CatalogError`."""
    if out.suffix.lower() != ".json":
        raise SettingsError(f"{shown(str(out))} cannot be written: an imported catalog is a .json file; check --out")
    if not out.exists():
        return None
    read = source.load(out)
    data = {"apis": read.data} if isinstance(read.data, list) else read.data
    if not isinstance(data, dict) or not isinstance(data.get("apis"), list):
        problem = Problem((), "this is no catalog", "name another file with --out")
        raise CatalogError(read.diagnostics([problem]))
    return data


def _name(name: str | None, mine: Json | None, out: Path) -> str:
    if name is not None:
        if parsing.parse({"name": name, "apis": []}).problems:
            raise SettingsError(
                f"{shown(name)} cannot be a catalog's name: use lower-case letters, digits, '-' and '_'"
            )
        return name
    if mine is not None and isinstance(mine.get("name"), str):
        return str(mine["name"])
    return names.catalog_name(out, catalog.LONGEST_NAME)


def _gateways(file: Path | None) -> Gateways | None:
    if file is None:
        return None
    read = source.load(file)
    data = read.data if isinstance(read.data, dict) else {}
    given, default = data.get("gateways"), data.get("gateway")
    problem = None
    if not isinstance(given, dict) or not given:
        problem = Problem((), "there are no gateways", "write them under 'gateways', as in a catalog")
    elif default is None and len(given) > 1:
        problem = Problem((), "there are several gateways", "name the one to use with 'gateway'")
    elif default is not None and default not in given:
        problem = Problem(("gateway",), f"there is no gateway {shown(str(default))}", "name one of 'gateways'")
    if problem is not None or not isinstance(given, dict):
        raise CatalogError(read.diagnostics([problem] if problem else []))
    parsed = parsing.parse({"name": "x", "gateways": given, "apis": []})
    if parsed.problems:
        raise CatalogError(read.diagnostics(parsed.problems))
    return Gateways(given, str(default) if default is not None else next(iter(given)))


def _problems(data: Json) -> Sequence[Problem]:
    parsed = parsing.parse(data)
    if parsed.catalog is None or parsed.problems:
        return parsed.problems
    return rules.check(checked.read(parsed.catalog, parsed.broken))


def _result(mine: Json | None, imported: Imported, settings: Settings, called: str, out: Path) -> Json:
    theirs = merge.fresh(imported, called, given_gateways=settings.gateways is not None, preset=settings.preset)
    if mine is None:
        return theirs
    if merge.have_nothing_in_common(mine, imported):
        raise SettingsError(
            f"{shown(str(out))} was imported from another description; give this one a catalog of its own with --out"
        )
    if settings.gateways is not None:
        mine = {**mine, "gateways": {**mine.get("gateways", {}), **settings.gateways.gateways}}
    return merge.merged({"name": settings.name, **mine}, imported, theirs)


def _write(out: Path, result: Json) -> None:
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = out.with_name(f".{out.name}.new")
        beside.write_text(text, "utf-8", newline="\n")
        beside.replace(out)
    except OSError as error:
        raise SettingsError(f"{shown(str(out))} cannot be written: {error.strerror}; check --out") from error


def _tell(imported: Imported, library: Library | None, told: Path | None) -> None:
    made = imported.report
    if told is not None:
        where = library.places(report.spots(made)) if library else {}
        as_json = told.suffix.lower() == ".json"
        text = report.as_json(made, where) if as_json else report.as_table(made, where)
        if str(told) == "-":
            click.echo(text, nl=False)
        else:
            try:
                told.write_text(text, "utf-8", newline="\n")
            except OSError as error:
                raise SettingsError(
                    f"{shown(str(told))} cannot be written: {error.strerror}; check --report"
                ) from error
    refused = library.refused() if library else []
    for one in refused[:_MOST_SHOWN]:
        click.echo(f"{one}", err=True)
    if len(refused) > _MOST_SHOWN:
        click.echo(f"and {len(refused) - _MOST_SHOWN} more references that were not followed", err=True)
    click.echo(report.summary(made), err=True)
