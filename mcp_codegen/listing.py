"""What `tools/list` answers: written with the code, so that a server starts without importing its tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp_codegen import names
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.schema import Direction, Schema, json_schema


def list_tools(catalog: CheckedCatalog, tool_names: Mapping[str, str]) -> dict[str, Any]:
    """The result of `tools/list`, on one page: some clients list again before each call to a tool of a later one."""
    keys = names.resolve(catalog.schemas, names.input_name, frozenset())  # what a reference needs no escapes for
    written = _Listing(catalog.schemas, keys.__getitem__)
    return {"tools": [written.tool(one, tool_names[one.api.name]) for one in catalog.active]}


def input_keys(one: Operation) -> dict[str, str]:
    """The property key of each input: its name, where the strictest hosts accept that."""
    return names.resolve([parameter.label for parameter in one.parameters], names.input_name, frozenset())


@dataclass(frozen=True, slots=True)
class _Listing:
    schemas: Mapping[str, Schema]
    name_of: Callable[[str], str]
    """The key under `$defs` of a schema."""

    def tool(self, one: Operation, name: str) -> dict[str, Any]:
        api = one.api
        title = api.title or (api.name if api.name != name else "")
        about = {"title": title, "description": api.description or api.title}
        listed: dict[str, Any] = {"name": name} | {key: value for key, value in about.items() if value}
        listed["inputSchema"] = self._input(one)
        if one.answer is not None and (schema := self._output(one.answer)):
            listed["outputSchema"] = schema
        listed["annotations"] = _hints(one)
        return listed

    def _input(self, one: Operation) -> dict[str, Any]:
        keys = input_keys(one)
        written: dict[str, Any] = {
            "type": "object",
            "properties": {keys[p.label]: json_schema(p.schema, "input", self.name_of) for p in one.parameters},
        }
        if required := [keys[parameter.label] for parameter in one.parameters if parameter.required]:
            written["required"] = required
        written["additionalProperties"] = False
        return self._with_definitions(written, "input", [parameter.schema for parameter in one.parameters])

    def _output(self, answer: Schema) -> dict[str, Any]:
        """An object at the root, as clients demand; nothing for an answer of any kind."""
        root = answer
        while root.kind == "ref":
            root = replace(self.schemas[root.ref], nullable=root.nullable or self.schemas[root.ref].nullable)
        if root.kind == "any":
            return {}
        written = json_schema(root, "output", self.name_of)
        if root.kind == "union" and not is_wrapped(answer, self.schemas):
            written = {"type": "object", **written}
        if is_wrapped(answer, self.schemas):
            written = {"type": "object", "properties": {"result": written}, "required": ["result"]}
        return self._with_definitions(written, "output", [root])

    def _with_definitions(self, written: dict[str, Any], direction: Direction, roots: list[Schema]) -> dict[str, Any]:
        reached: dict[str, None] = {}
        for root in roots:
            for name in _references(root):
                _reach(name, self.schemas, reached)
        if reached:
            written["$defs"] = {
                self.name_of(name): json_schema(self.schemas[name], direction, self.name_of) for name in sorted(reached)
            }
        return written


def is_wrapped(answer: Schema, schemas: Mapping[str, Schema]) -> bool:
    """Whether an answer is no JSON object, so that structured content holds it under `result`."""
    nullable = answer.nullable
    while answer.kind == "ref":
        answer = schemas[answer.ref]
        nullable = nullable or answer.nullable
    if answer.kind == "union":
        return nullable or any(is_wrapped(one, schemas) or one.kind == "any" for one in answer.variants)
    return answer.kind != "any" and (answer.kind != "object" or nullable)


def _reach(name: str, schemas: Mapping[str, Schema], reached: dict[str, None]) -> None:
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached[one] = None
            waiting += _references(schemas[one])


def _references(schema: Schema) -> Iterator[str]:
    if schema.kind == "ref":
        yield schema.ref
    for inner in (schema.items, schema.values, *schema.variants, *(member.schema for member in schema.members)):
        if inner:
            yield from _references(inner)


def _hints(one: Operation) -> dict[str, bool]:
    if one.read_only:
        return {"readOnlyHint": True}
    return {"readOnlyHint": False, "destructiveHint": one.destructive, "idempotentHint": one.idempotent}
