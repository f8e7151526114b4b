"""The last step: whatever the language still refuses is taken out, and said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp_codegen.errors import Problem, pointer_text, shown
from mcp_codegen.importers.assembling import Imported, reachable
from mcp_codegen.importers.report import Note, Spot

Check = Callable[[dict[str, Any]], Sequence[Problem]]
"""From a catalog to everything that is wrong in it."""

_ROUNDS = 6


def proved(imported: Imported, check: Check) -> Imported:
    """The catalog without examples that do not fit, schemas that cannot be read, and APIs that cannot be said."""
    loosened: set[tuple[str, str]] = set()
    for _ in range(_ROUNDS):
        problems = [one for one in check(_awake(imported.catalog)) if one.pointer != ("apis",)]
        if not problems:
            break
        _mend(imported, problems, loosened)
    else:
        _confess(imported, check)
    imported.catalog["schemas"] = reachable(imported.catalog["apis"], imported.catalog["schemas"])
    return imported


def _awake(catalog: dict[str, Any]) -> dict[str, Any]:
    """The catalog with every API active: those that are not have to be right too, for the day when they are."""
    return {**catalog, "apis": [{**api, "active": True} for api in catalog["apis"]]}


def _confess(imported: Imported, check: Check) -> None:
    """What could not be mended is said."""
    for one in check(_awake(imported.catalog)):
        place = Spot(imported.report.entries[0].spot.document if imported.report.entries else "")
        said = f"the catalog has a problem: {pointer_text(one.pointer)}: {one.message}; {one.hint}"
        imported.report.notes.append(Note(place, said))


def _mend(imported: Imported, problems: Sequence[Problem], loosened: set[tuple[str, str]]) -> None:
    catalog, report = imported.catalog, imported.report
    entries = {entry.name: entry for entry in report.entries if entry.outcome == "imported"}
    examples = [one for one in problems if _is_example(one)]
    schemas = {str(one.pointer[1]): one for one in problems if one.pointer[:1] == ("schemas",) and len(one.pointer) > 1}
    for name, problem in schemas.items():
        said = f"the schema {name} cannot be said ({problem.message}); any value fits"
        report.notes.append(Note(Spot(report.entries[0].spot.document), said))
        catalog["schemas"][name] = {}
    if examples or schemas:
        for one in examples:
            api = catalog["apis"][one.pointer[1]]
            if api.pop("examples", None) is not None:
                entry = entries[api["name"]]
                entry.notes.append(Note(entry.spot, f"its example is left out: {one.message}"))
        return
    lost: dict[Any, Problem] = {}
    for one in problems:
        if one.pointer[:1] == ("apis",) and len(one.pointer) > 1:
            api = catalog["apis"][one.pointer[1]]
            entry = entries[api["name"]]
            if said := _loosened(api, one, loosened):
                entry.notes.append(Note(entry.spot, f"{said}: {one.message}"))
            else:
                lost.setdefault(one.pointer[1], one)
    for index, one in lost.items():
        entry = entries[catalog["apis"][index]["name"]]
        entry.outcome, entry.name = "left out", ""
        entry.reason = f"a catalog cannot say it: {one.message}"
    catalog["apis"] = [api for index, api in enumerate(catalog["apis"]) if index not in lost]


def _loosened(api: dict[str, Any], problem: Problem, already: set[tuple[str, str]]) -> str:
    """What was taken away from an API so that the rest can be said; empty where that did not help, or is not known."""
    key, *rest = [str(part) for part in problem.pointer[2:]] or [""]
    place = "/".join([key, *rest[:1]] if key == "inputs" else [key])
    if key == "inputs" and len(rest) > 1 and rest[-1] == "default":
        given = api["inputs"][int(rest[0])]
        return f"the default of {shown(given['name'])} is left out" if given.pop("default", None) is not None else ""
    if (api["name"], place) in already:
        return ""
    already.add((api["name"], place))
    if key in ("output", "outputs", "errors"):
        return f"its {key} are not described" if api.pop(key, None) is not None else ""
    if key == "body" and rest and "contentType" not in api:
        api["body"] = {**_known(api["body"]), "type": "any"}
        return "any value fits its body"
    if key == "inputs" and len(rest) > 1 and rest[1] not in ("name", "in"):
        given = api["inputs"][int(rest[0])]
        kind = "string" if given.get("in") in ("path", "header", "cookie") else "any"
        api["inputs"][int(rest[0])] = {**_known(given), "type": kind}
        return f"any {'text' if kind == 'string' else 'value'} fits {shown(given['name'])}"
    return ""


def _known(field: Mapping[str, Any]) -> dict[str, Any]:
    """What a field says beside its type."""
    return {key: field[key] for key in ("name", "in", "required", "title", "description", "deprecated") if key in field}


def _is_example(problem: Problem) -> bool:
    return problem.pointer[:1] == ("apis",) and problem.pointer[2:3] == ("examples",)
