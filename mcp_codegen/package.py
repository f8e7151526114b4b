"""The intermediate representation: a Python package with everything decided, ready to print.

Every string that is code (an annotation, a default, an expression) was made by `literals` and `names`; every string
that is text goes through a filter of the template that prints it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Import:
    """`from module import names`, or `import module as name` when there is just an alias."""

    module: str
    names: tuple[str, ...]
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword and the expression that is passed for it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A member of a model."""

    name: str
    annotation: str
    default: str
    """An expression, or "" for a member that is always there."""


@dataclass(frozen=True, slots=True)
class Model:
    """A class of `models/`."""

    name: str
    base: str
    doc: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a tool's function and of the client's method."""

    name: str
    wire: str
    """Its name in the tool's input schema."""
    spelled: str
    """Its name in the one-shot function: the catalog's own wherever Python allows it."""
    annotation: str
    """Of the tool's function, with its constraints."""
    type: str
    """Of the client's method."""
    default: str
    doc: str


@dataclass(frozen=True, slots=True)
class Iteration:
    """The client's method that goes through all pages of a tool's list."""

    function: str
    item: str
    """The type of what is listed, as an annotation."""
    members: tuple[str, ...]
    """What leads to the list in the answer."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: a function of `tools/`, a method of the client, a one-shot function."""

    name: str
    function: str
    title: str
    doc: str
    arguments: tuple[Argument, ...]
    origin: str
    """The constant in `gateways.py`."""
    method: str
    endpoint: str
    returns: str
    """The type of the answer, as an annotation."""
    request: tuple[Keyword, ...]
    """What else is passed to the runtime: path, query, headers, body and policies."""
    wrapped: bool
    """The answer is no JSON object, and stands under `result`."""
    pages: str
    """The runtime's policy, as an expression; empty where the answer is whole."""
    iteration: Iteration | None
    """None where the answer is whole."""
    flags: tuple[str, ...]
    """What people should know: read-only, destructive, deprecated."""
    tags: tuple[str, ...]

    @property
    def caller_doc(self) -> str:
        """What it does and what its arguments are."""
        said = [f"    {argument.name}: {' '.join(argument.doc.split())}" for argument in self.arguments if argument.doc]
        return "\n".join([self.doc or self.title, *(["", "Args:", *said] if said else [])])


@dataclass(frozen=True, slots=True)
class Group:
    """The tools of one tag: a module of `tools/`."""

    name: str
    title: str
    tools: tuple[Tool, ...]
    imports: tuple[tuple[Import, ...], ...]


@dataclass(frozen=True, slots=True)
class Calls:
    """The client's methods for one group: a module of `calls/`, or the client itself where there is no other group."""

    name: str
    title: str
    client: str
    """The class, which can be opened as it is."""
    tools: tuple[Tool, ...]
    imports: tuple[tuple[Import, ...], ...]


@dataclass(frozen=True, slots=True)
class ModelModule:
    """A module of `models/`."""

    name: str
    title: str
    models: tuple[Model, ...]
    imports: tuple[tuple[Import, ...], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where APIs live: a constant of `gateways.py`."""

    constant: str
    name: str
    doc: str
    arguments: tuple[Keyword, ...]


SettingKind = Literal["secret", "text", "seconds", "count", "switch"]
"""What a setting holds; the last three have defaults."""


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable of the generated server."""

    name: str
    doc: str
    kind: SettingKind
    sample: str
    """A placeholder or the default."""

    @property
    def secret(self) -> bool:
        """Whether nobody may see it."""
        return self.kind == "secret"

    @property
    def optional(self) -> bool:
        """Whether there is a default."""
        return self.kind in ("seconds", "count", "switch")


@dataclass(frozen=True, slots=True)
class Package:
    """Everything that the templates print."""

    name: str
    title: str
    description: str
    version: str
    license: str
    """An SPDX expression, or ""."""
    namespace: str
    module: str
    distribution: str
    client: str
    gateway_imports: tuple[tuple[Import, ...], ...]
    origins: tuple[Origin, ...]
    settings: tuple[Setting, ...]
    groups: tuple[Group, ...]
    model_modules: tuple[ModelModule, ...]
    calls: tuple[Calls, ...]
    longest_timeout: float
    """Seconds."""
    listing: Mapping[str, Any]
    """What `tools/list` answers."""
    checkup: Mapping[str, Any]
    """What `doctor` looks at."""
    metadata: Mapping[str, Any]

    @property
    def is_split(self) -> bool:
        """Whether the client's methods stand in a module for each group."""
        return len(self.calls) > 1

    @property
    def example_call(self) -> str:
        """A call of the first tool, with what it needs."""
        first = self.tools[0]
        return f"{first.function}({', '.join(f'{one.name}=...' for one in first.arguments if not one.default)})"

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All tools, in the catalog's order within their groups."""
        return tuple(tool for group in self.groups for tool in group.tools)

    @property
    def gateways(self) -> tuple[str, ...]:
        """The constants of the gateways, that of most tools first."""
        return tuple(constant for constant, _ in Counter(tool.origin for tool in self.tools).most_common())

    @property
    def elsewhere(self) -> Mapping[str, str]:
        """The gateways of the tools that are behind another than the first, by the tools' names."""
        usual = self.gateways[0]
        return {tool.name: tool.origin for tool in self.tools if tool.origin != usual}

    @property
    def is_tagged(self) -> bool:
        """Whether any tool has a tag."""
        return any(tool.tags for tool in self.tools)

    @property
    def iterations(self) -> tuple[str, ...]:
        """The client's methods that go through all pages of a list."""
        return tuple(tool.iteration.function for tool in self.tools if tool.iteration)

    @property
    def usage(self) -> str:
        """How the server is started and what it reads, for its docstring and its `--help`."""
        width = max((len(setting.name) for setting in self.settings), default=0)
        rows = [f"    {setting.name:<{width}}  {setting.doc}" for setting in self.settings]
        return "\n".join(
            [
                f"    {self.distribution}                   for a host that starts it: stdio",
                f"    {self.distribution} --transport http  on http://127.0.0.1:8000/mcp",
                f"    {self.distribution} doctor            what is wrong with settings and network, and what to do",
                f'    {self.distribution} ask "…"           a chat model answers with the tools that only read',
                "",
                "Settings, from the environment or the file .env:",
                "",
                *rows,
            ]
        )

    @property
    def agent_instructions(self) -> str:
        """What an agent over the server is told."""
        how = "Answer in the language of the question, with what the tools answer and nothing else."
        return f"{self.description or self.title} {how}"

    @property
    def registry_name(self) -> str:
        """Its name in registries of MCP servers; the README carries it too, which proves whose package it is."""
        return f"{self.namespace}/{self.distribution}"
