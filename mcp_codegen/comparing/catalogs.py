"""Two catalogs, compared through what is generated from them: the names and types that callers see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mcp_codegen import lowering
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.comparing import tools
from mcp_codegen.comparing.changes import LEVELS, Change, Comparison
from mcp_codegen.comparing.schemas import Types
from mcp_codegen.comparing.tools import Side
from mcp_codegen.names import tool_name
from mcp_codegen.origins import Origins
from mcp_codegen.package import Package


@dataclass(frozen=True, slots=True)
class _Surface:
    """What callers see of a catalog."""

    catalog: CheckedCatalog
    package: Package

    @property
    def sides(self) -> dict[str, Side]:
        """Its tools, by name."""
        apis: Mapping[str, Mapping[str, str]] = self.package.metadata["tools"]
        operations = {one.api.name: one for one in self.catalog.active}
        return {tool.name: Side(self.catalog, operations[apis[tool.name]["api"]], tool) for tool in self.package.tools}

    @property
    def classes(self) -> dict[str, str]:
        """The module of each class that programs can import."""
        return {model.name: module.name for module in self.package.model_modules for model in module.models}


def compare(old: CheckedCatalog, new: CheckedCatalog) -> Comparison:
    """What changed for callers from the one to the other: tools by name, each one's changes by their weight."""
    before, after = _Surface(old, lowering.lower(old, "")), _Surface(new, lowering.lower(new, ""))
    changes = [*_package(before, after), *_tools(before, after)]
    ordered = sorted(dict.fromkeys(changes), key=lambda one: (one.tool, LEVELS.index(one.level)))
    about = (before.package.name, before.package.version, after.package.name, after.package.version)
    return Comparison(*about, tuple(ordered))


def _tools(old: _Surface, new: _Surface) -> Iterator[Change]:
    before, after = old.sides, new.sides
    takes = Types(old.catalog.schemas, new.catalog.schemas, "input")
    gives = Types(old.catalog.schemas, new.catalog.schemas, "output")
    for name, side in before.items():
        if name in after:
            yield from tools.compare(side, after[name], takes, gives)
        else:
            yield _removed(side, new, [one for other, one in after.items() if other not in before])
    for name in after:
        if name not in before:
            was = _inactive(name, old)
            yield Change(name, "", "addition", "tool-added", "is active now" if was else "is new", "")
    yield from _variables(old, new)


def _removed(side: Side, new: _Surface, others: list[Side]) -> Change:
    name = side.tool.name
    if _inactive(name, new):
        return Change(name, "", "breaking", "tool-removed", "is not active any more", "calls of it fail")
    request = (side.operation.method, side.operation.base_url, side.operation.path)
    heirs = [
        one.tool.name for one in others if (one.operation.method, one.operation.base_url, one.operation.path) == request
    ]
    why = f"calls of it fail; {heirs[0]} sends the same request" if heirs else "calls of it fail"
    return Change(name, "", "breaking", "tool-removed", "is gone", why)


def _inactive(name: str, surface: _Surface) -> bool:
    return any(not one.api.active and tool_name(one.api.name) == name for one in surface.catalog.operations)


def _variables(old: _Surface, new: _Surface) -> Iterator[Change]:
    """What the environment of the server has to say."""
    known = {setting.name: setting for setting in old.package.settings}
    origins = Origins(new.catalog)
    before = old.sides
    told: set[str] = set()
    for name, side in sorted(new.sides.items()):
        for setting in origins.settings_of(side.operation):
            if setting.name in known or setting.optional or setting.name in told:
                continue
            if name in before:
                told.add(setting.name)
                why = f"until it is set, {name} answers not_configured"
                yield Change(
                    "", f"variable {setting.name}", "breaking", "variable-required", "is new and required", why
                )
    for setting in new.package.settings:
        if setting.name not in known and setting.name not in told:
            what = "may be set" if setting.optional else "is needed by what is new"
            yield Change("", f"variable {setting.name}", "addition", "variable-added", what, "")
    kept = {setting.name for setting in new.package.settings}
    for name in known:
        if name not in kept:
            yield Change("", f"variable {name}", "behaviour", "variable-removed", "is not read any more", "")


def _package(old: _Surface, new: _Surface) -> Iterator[Change]:
    was, now = old.package, new.package
    if was.name != now.name:
        what = f"the package is {now.module} now, not {was.module}"
        yield Change("", "", "breaking", "package-renamed", what, "programs import it, and hosts start it, by its name")
    if _words(old) != _words(new):
        yield Change("", "", "documentation", "described", "the catalog has another title or description", "")
    yield from _classes(old, new)


def _words(surface: _Surface) -> tuple[str, str]:
    about = surface.catalog.catalog
    return about.title, about.description


def _classes(old: _Surface, new: _Surface) -> Iterator[Change]:
    """Classes of the tools that stay, which programs cannot import from where they were."""
    after, known = new.sides, new.classes
    elsewhere = {name: module for name, module in old.classes.items() if known.get(name) != module}
    staying = {side.operation.api.name for name, side in old.sides.items() if name in after}
    if not elsewhere or not staying:
        return
    rest = replace(old.catalog, operations=tuple(one for one in old.catalog.operations if one.api.name in staying))
    needed = _Surface(rest, lowering.lower(rest, "")).classes
    for name, module in elsewhere.items():
        where = f"class models.{module}.{name}"
        if name not in needed:
            continue
        if name in known:
            why = "programs import it from its module"
            yield Change("", where, "breaking", "class-moved", f"stands in models.{known[name]} now", why)
        else:
            yield Change("", where, "breaking", "class-removed", "is gone", "programs that import it fail")
