"""Examples: inputs and outputs that fit their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.errors import Problem, shown
from mcp_codegen.fitting import unfit
from mcp_codegen.schema import json_schema
from mcp_codegen.validation import nearest


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """Every example has the inputs that its API needs, and values that fit their types."""
    if catalog.problems:
        return
    defs = {
        direction: {name: json_schema(schema, direction, _key) for name, schema in catalog.schemas.items()}
        for direction in ("input", "output")
    }
    for one in catalog.operations:
        known = {parameter.label: parameter for parameter in one.parameters}
        for index, example in enumerate(one.api.examples):
            where = (*one.pointer, "examples", index)
            for name, value in example.inputs.items():
                if name not in known:
                    hint = nearest(name, known)
                    yield Problem((*where, "inputs", name), f"there is no input {shown(name)}", hint, at_key=True)
                else:
                    schema = json_schema(known[name].schema, "input", _key)
                    yield from unfit(value, schema | _defs(defs["input"]), (*where, "inputs", name))
            for name, parameter in known.items():
                if parameter.required and name not in example.inputs:
                    yield Problem((*where, "inputs"), f"the input {shown(name)} is missing", "add it")
            if one.answer is not None and "output" in example.model_fields_set:
                schema = json_schema(one.answer, "output", _key)
                yield from unfit(example.output, schema | _defs(defs["output"]), (*where, "output"))


def _defs(schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {"$defs": schemas}


def _key(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")
