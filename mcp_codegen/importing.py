"""A description of any kind → the catalog that is written, or brought up to date, for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_codegen import catalog, checked, names, parsing, rules, source
from mcp_codegen.errors import CatalogError, Diagnostic, Problem, SettingsError, shown
from mcp_codegen.importers import curl_import, merge, openapi, postman, proving, selecting, sources
from mcp_codegen.importers.assembling import Gateways, Imported, Settings, assembled
from mcp_codegen.importers.drafts import Description
from mcp_codegen.importers.references import Library
from mcp_codegen.importers.report import Report

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks of an import, as it was written."""

    name: str | None
    gateway: Path | None
    preset: str
    select: tuple[str, ...]
    exclude: tuple[str, ...]
    active: bool | None
    """Whether new APIs are; None: in a new catalog."""
    root: Path | None
    allow_remote: bool


@dataclass(frozen=True, slots=True)
class Brought:
    """A catalog, what became of every operation, and the documents that were read; standard input is none."""

    catalog: Json
    report: Report
    library: Library | None


def bring(spec: Path, text: str | None, out: Path, wishes: Wishes) -> Brought:
    """The catalog that `out` is to hold; nothing is written. text: what is read instead of a file.

    Raises `CatalogError` for files that cannot be read, and `SettingsError` for what cannot be done with them.
    """
    mine = _existing(out)
    name = _name(wishes.name, mine, out)
    library, found, called = _described(spec, text, name, wishes)
    kept, remembered = merge.remembered(mine) if mine else (None, "")
    settings = Settings(
        name=name,
        gateways=_gateways(wishes.gateway) or kept,
        preset=wishes.preset or remembered,
        select=tuple(selecting.parse(one) for one in wishes.select),
        exclude=tuple(selecting.parse(one) for one in wishes.exclude),
        active=mine is None if wishes.active is None else wishes.active,
    )
    imported = assembled(found, settings)
    _refuse_nothing(imported.report)
    imported = proving.proved(imported, _problems)
    result = _result(mine, imported, settings, called, out)
    if not settings.active and any(one.change == "new" or mine is None for one in imported.report.entries if one.name):
        imported.report.hints.append('the new APIs are inactive: write "active": true for those that you want')
    return Brought(result, imported.report, library)


def _refuse_nothing(report: Report) -> None:
    """A mistyped pattern costs a question, and not a catalog without APIs."""
    if report.entries and report.count("not selected") == len(report.entries):
        said = f"none of {len(report.entries)} operations is selected"
        raise SettingsError(f"{said}; check --select and --exclude against the tags, paths and names of SPEC")


def _described(spec: Path, text: str | None, name: str, wishes: Wishes) -> tuple[Library | None, Description, str]:
    """The description, whatever its kind, and what it is called."""
    if text is not None:
        return None, curl_import.read(text, "standard input", name), "curl"
    file = _file(spec)
    if file.suffix.lower() not in (".json", ".yaml", ".yml"):
        commands = _text(file)
        if curl_import.is_curl(commands):
            return None, curl_import.read(commands, str(file), name), file.name
    folder = wishes.root or (spec if spec.is_dir() else file.parent)
    try:
        key = file.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        said = f"{shown(str(file))} does not stand in {shown(str(folder))}; name a folder around it"
        raise SettingsError(said) from error
    library = Library(key, sources.reader(folder, folder, allow_remote=wishes.allow_remote))
    if postman.is_postman(library.root):
        return library, postman.read(library, name), file.name
    return library, openapi.read(library, name), file.name


def _file(spec: Path) -> Path:
    if spec.parts and spec.parts[0] in ("http:", "https:"):
        said = "SPEC is a file or a folder, and no URL; save the description first: curl -o openapi.json URL"
        raise SettingsError(said)
    file = sources.main_file(spec)
    if not file.exists():
        source.load(file)  # says so, with the path as it was given
    return file


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
    wrong = [one for one in _problems({"name": "x", "gateways": given, "apis": []}) if one.pointer[:1] == ("gateways",)]
    if wrong:
        raise CatalogError(read.diagnostics(wrong))
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
