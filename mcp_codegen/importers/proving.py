"""The last step: whatever the language still refuses is taken out, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mcp_codegen.errors import Problem, pointer_text
from mcp_codegen.importers.assembling import Imported, reachable
from mcp_codegen.importers.report import Note, Spot

Check = Callable[[dict[str, Any]], Sequence[Problem]]
"""From a catalog to everything that is wrong in it."""

_ROUNDS = 4


def proved(imported: Imported, check: Check) -> Imported:
    """The catalog without examples that do not fit, schemas that cannot be read, and APIs that cannot be said."""
    for _ in range(_ROUNDS):
        problems = [one for one in check(imported.catalog) if one.pointer != ("apis",)]
        if not problems:
            break
        _mend(imported, problems)
    else:
        _confess(imported, check)
    imported.catalog["schemas"] = reachable(imported.catalog["apis"], imported.catalog["schemas"])
    return imported


def _confess(imported: Imported, check: Check) -> None:
    """What could not be mended is said."""
    for one in check(imported.catalog):
        place = Spot(imported.report.entries[0].spot.document if imported.report.entries else "")
        said = f"the catalog has a problem: {pointer_text(one.pointer)}: {one.message}; {one.hint}"
        imported.report.notes.append(Note(place, said))


def _mend(imported: Imported, problems: Sequence[Problem]) -> None:
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
    broken = {one.pointer[1]: one for one in problems if one.pointer[:1] == ("apis",) and len(one.pointer) > 1}
    for index, one in broken.items():
        entry = entries[catalog["apis"][index]["name"]]
        entry.outcome, entry.name = "left out", ""
        entry.reason = f"a catalog cannot say it: {one.message}"
    catalog["apis"] = [api for index, api in enumerate(catalog["apis"]) if index not in broken]


def _is_example(problem: Problem) -> bool:
    return problem.pointer[:1] == ("apis",) and problem.pointer[2:3] == ("examples",)
