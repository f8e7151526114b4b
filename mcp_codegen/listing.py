"""What `tools/list` answers: written with the code, so that a server starts without importing its tools.

The strictest hosts accept it: keys are safe at every depth, the root is a plain object, and no tool is larger than a
tool may be. Arguments and answers are checked whole all the same, by the types of the generated code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import Any, Final

from mcp_codegen import names, trimming
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.schema import Direction, Schema, json_schema
from mcp_codegen.trimming import Definitions, Form, Whole, shortened, size_of

TOOL_BYTES: Final = 16_000
"""What a tool may take of a listing, written compactly."""
LISTING_BYTES: Final = 2_400_000
"""What a listing should take; where it would take more, the schemas of answers get less."""
ANSWER_BYTES: Final = (TOOL_BYTES, 8_000, 4_000, 2_000, 1_000, 500, 250)
"""What the schema of an answer may take: the first of these with which the listing fits. Halves, so that one API more
or less seldom changes the others' schemas."""
LONGEST_TITLE: Final = 256
_LEAST: Final = size_of({"type": "object"})
"""What remains at least of an answer's schema."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The result of `tools/list`."""

    tools: tuple[Mapping[str, Any], ...]
    """On one page: some clients list again before each call to a tool of a later one."""
    trimmed: Mapping[str, Mapping[str, Form]]
    """How much is shown of the schemas that are not shown whole, by tool."""


def list_tools(catalog: CheckedCatalog) -> Listing:
    """Every active API as the tool that hosts are told of."""
    writer = _Writer(catalog)
    tools = [writer.tool(one, name) for one, name in zip(catalog.active, tool_names(catalog).values(), strict=True)]
    allowed = _allowed(tools)
    listed, trimmed = [], {}
    for tool in tools:
        forms = tool.forms(allowed)
        listed.append(tool.listed(forms))
        if partly := {key: form for key, form in forms.items() if not form.is_whole}:
            trimmed[tool.about["name"]] = partly
    return Listing(tuple(listed), trimmed)


def _allowed(tools: Sequence[_Tool]) -> int:
    """What each answer's schema may take. From the least on: what is larger is not written only to be measured."""
    allowed = ANSWER_BYTES[-1]
    for more in reversed(ANSWER_BYTES):
        if sum(tool.size(more) for tool in tools) > LISTING_BYTES:
            break
        allowed = more
    return allowed


def tool_names(catalog: CheckedCatalog) -> dict[str, str]:
    """The tool of each active API, by the API's name."""
    return names.resolve([one.api.name for one in catalog.active], names.tool_name, frozenset())


def input_keys(one: Operation) -> dict[str, str]:
    """The property key of each input: its name, where the strictest hosts accept that."""
    return names.input_keys([parameter.label for parameter in one.parameters])


def is_wrapped(answer: Schema, schemas: Mapping[str, Schema]) -> bool:
    """Whether an answer is no JSON object, so that structured content holds it under `result`."""
    nullable = answer.nullable
    while answer.kind == "ref":
        answer = schemas[answer.ref]
        nullable = nullable or answer.nullable
    if answer.kind == "union":
        return nullable or any(is_wrapped(one, schemas) or one.kind == "any" for one in answer.variants)
    return answer.kind != "any" and (answer.kind != "object" or nullable)


@dataclass(frozen=True)
class _Tool:
    """A tool, before it is settled how much of its answer's schema is shown."""

    about: Mapping[str, Any]
    hints: Mapping[str, bool]
    parts: Mapping[str, Whole]

    def forms(self, allowed: int) -> dict[str, Form]:
        """How much is shown of each schema, when the answer's may take so many bytes."""
        forms = {"inputSchema": self._arguments}
        if "outputSchema" in self.parts:
            room = TOOL_BYTES - self._bare - self._arguments.size
            forms["outputSchema"] = self.parts["outputSchema"].within(min(allowed, room))
        return forms

    def size(self, allowed: int) -> int:
        """In bytes."""
        return self._bare + sum(form.size for form in self.forms(allowed).values())

    def listed(self, forms: Mapping[str, Form]) -> dict[str, Any]:
        """As hosts are told."""
        schemas = {key: self.parts[key].shown(form.depth, form.words) for key, form in forms.items()}
        return {**self.about, **schemas, "annotations": self.hints}

    @cached_property
    def _arguments(self) -> Form:
        return self.parts["inputSchema"].within(TOOL_BYTES - self._bare - _LEAST)

    @cached_property
    def _bare(self) -> int:
        """Bytes without its schemas, and with a comma behind it."""
        return size_of({**self.about, **dict.fromkeys(self.parts, 0), "annotations": self.hints}) - len(self.parts) + 1


class _Writer:
    """Writes tools; a schema of the catalog once for all of them."""

    def __init__(self, catalog: CheckedCatalog) -> None:
        self._schemas = catalog.schemas
        keys = names.input_keys(catalog.schemas)  # what a reference needs no escapes for
        by_key = {key: name for name, key in keys.items()}
        self._to_json: dict[Direction, Callable[[Schema], dict[str, Any]]] = {
            "input": partial(json_schema, direction="input", name_of=keys.__getitem__, keys_of=names.input_keys),
            "output": partial(json_schema, direction="output", name_of=keys.__getitem__, keys_of=_accepted),
        }
        self._definitions: dict[Direction, Definitions] = {
            "input": cache(lambda key: self._to_json["input"](self._schemas[by_key[key]])),
            "output": cache(lambda key: self._to_json["output"](self._schemas[by_key[key]])),
        }

    def tool(self, one: Operation, name: str) -> _Tool:
        api = one.api
        title = api.title or (api.name if api.name != name else "")
        texts = {"title": shortened(title, LONGEST_TITLE), "description": shortened(api.description or api.title)}
        about = {"name": name} | {key: text for key, text in texts.items() if text}
        parts = {"inputSchema": self._whole(self._arguments(one), "input", trimming.ARGUMENTS)}
        if one.answer is not None and (schema := self._answer(one.answer)):
            parts["outputSchema"] = self._whole(schema, "output", trimming.ANSWER)
        return _Tool(about, _hints(one), parts)

    def _whole(self, root: dict[str, Any], direction: Direction, smallest: Sequence[tuple[int, int]]) -> Whole:
        return Whole(root, self._definitions[direction], TOOL_BYTES, smallest)

    def _arguments(self, one: Operation) -> dict[str, Any]:
        keys = input_keys(one)
        written: dict[str, Any] = {
            "type": "object",
            "properties": {keys[p.label]: self._to_json["input"](p.schema) for p in one.parameters},
        }
        if required := [keys[parameter.label] for parameter in one.parameters if parameter.required]:
            written["required"] = required
        return written | {"additionalProperties": False}

    def _answer(self, answer: Schema) -> dict[str, Any]:
        """A plain object at the root, as clients demand; nothing for an answer of any kind."""
        root = answer
        while root.kind == "ref":
            root = replace(self._schemas[root.ref], nullable=root.nullable or self._schemas[root.ref].nullable)
        if root.kind == "any":
            return {}
        written = self._to_json["output"](root)
        if is_wrapped(answer, self._schemas):
            return {"type": "object", "properties": {"result": written}, "required": ["result"]}
        return self._one_object(written) if "anyOf" in written else written

    def _one_object(self, union: Mapping[str, Any]) -> dict[str, Any]:
        """What all alternatives of an object have in common; of a member that some do not name, its name."""
        objects = list(self._alternatives(union, set()))
        members: dict[str, list[dict[str, Any]]] = {}
        for one in objects:
            for key, schema in one.get("properties", {}).items():
                members.setdefault(key, []).append(schema)
        properties = {key: _any_of(found) if len(found) == len(objects) else {} for key, found in members.items()}
        required = [key for key in properties if all(key in one.get("required", ()) for one in objects)]
        said = {"description": union["description"]} if "description" in union else {}
        return {"type": "object", "properties": properties} | ({"required": required} if required else {}) | said

    def _alternatives(self, schema: Mapping[str, Any], seen: set[str]) -> Iterator[Mapping[str, Any]]:
        if "$ref" in schema:
            key = trimming.key_of(schema)
            if key not in seen:
                seen.add(key)
                yield from self._alternatives(self._definitions["output"](key), seen)
        elif "anyOf" in schema:
            for one in schema["anyOf"]:
                yield from self._alternatives(one, seen)
        else:
            yield schema


def _accepted(members: Sequence[str]) -> Mapping[str, str]:
    """The members of an answer whose names hosts accept; the others may be there like any that is not known."""
    return {name: name for name in members if names.INPUT_NAME.fullmatch(name)}


def _any_of(schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    different = [one for index, one in enumerate(schemas) if one not in schemas[:index]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def _hints(one: Operation) -> dict[str, bool]:
    if one.read_only:
        return {"readOnlyHint": True}
    return {"readOnlyHint": False, "destructiveHint": one.destructive, "idempotentHint": one.idempotent}
