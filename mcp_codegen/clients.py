"""The typed client's modules: one file for the tools of one group, a module for each of several.

A module of several does not import types, which cost far more than methods: it names them as members of `models`, whose
modules are imported when something first needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mcp_codegen import names
from mcp_codegen.import_sections import standard_imports
from mcp_codegen.modelling import Modeller
from mcp_codegen.package import Calls, Group, Import, Tool

MODELS: Final = "models"


def class_names(modules: Sequence[str], client: str) -> dict[str, str]:
    """The class that has the methods of each group, by the groups' modules: the client itself for a single one."""
    if len(modules) == 1:
        return dict.fromkeys(modules, client)
    return names.resolve(modules, lambda module: f"{names.pascal_case(module)}Calls", names.RESERVED_CLASSES | {client})


def calls(groups: Sequence[Group], classes: dict[str, str], modeller: Modeller) -> tuple[Calls, ...]:
    """The methods of each group. classes: what `class_names` says."""
    if len(groups) == 1:
        (group,) = groups
        return (_in_one_file(group, classes[group.name], modeller),)
    ordered = sorted(groups, key=lambda group: names.import_order(group.name))
    return tuple(_in_a_module(group, classes[group.name], modeller) for group in ordered)


def _in_one_file(group: Group, client: str, modeller: Modeller) -> Calls:
    code = _code(group.tools)
    local = [
        *modeller.imports(code, ".models"),
        *modeller.base_imports(code, ".runtime"),
        Import(".runtime.calling", ("ApiClient",)),
    ]
    return Calls(group.name, group.title, client, group.tools, _imports(code, group.tools, local))


def _in_a_module(group: Group, name: str, modeller: Modeller) -> Calls:
    models = names.unused(MODELS, {one for tool in group.tools for one in _identifiers(tool)})
    tools = tuple(_qualified(tool, modeller, models) for tool in group.tools)
    code = _code(tools)
    local = [*modeller.base_imports(code, "..runtime"), Import(".", ("Calls",))]
    if models in names.words(code):
        local.append(Import("..", (MODELS if models == MODELS else f"{MODELS} as {models}",)))
    return Calls(group.name, group.title, name, tools, _imports(code, tools, local))


def _identifiers(tool: Tool) -> set[str]:
    """What would hide another name inside of a method or its class."""
    methods = {tool.function, tool.iteration.function} if tool.iteration else {tool.function}
    return methods | {argument.name for argument in tool.arguments}


def _qualified(tool: Tool, modeller: Modeller, models: str) -> Tool:
    """The tool with its types as members of the package of models."""

    def qualified(annotation: str) -> str:
        found = {name: f"{models}.{modeller.module_of(name)}.{name}" for name in modeller.used(annotation)}
        return names.renamed(annotation, found)

    return replace(
        tool,
        arguments=tuple(replace(argument, type=qualified(argument.type)) for argument in tool.arguments),
        returns=qualified(tool.returns),
        iteration=replace(tool.iteration, item=qualified(tool.iteration.item)) if tool.iteration else None,
    )


def _code(tools: Sequence[Tool]) -> str:
    """All annotations of the methods."""
    code = " ".join([*(a.type for tool in tools for a in tool.arguments), *(tool.returns for tool in tools)])
    return code + "".join(f" AsyncIterator[{tool.iteration.item}]" for tool in tools if tool.iteration)


def _imports(code: str, tools: Sequence[Tool], local: Sequence[Import]) -> tuple[tuple[Import, ...], ...]:
    defaults = " ".join(argument.default for tool in tools for argument in tool.arguments)
    return standard_imports(f"{code} {defaults} Any", local)
