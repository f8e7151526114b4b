"""The version of a process: a digest of the code that decides what a replay does."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Iterable
from typing import Any

from mcp_codegen.orchestrator.process import Process

LENGTH = 12

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def version(process: Process[Any, Any, Any]) -> str:
    """Changes with the process's body, with what the body uses in its own file, and with its input and output.

    Comments, docstrings, layout, the summary and what the body does not use change nothing, nor does what it imports.
    """
    schemas = [model.model_json_schema() for model in (process.input, process.output)]
    parts = [_shape(schemas), *_code(process)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{process.name}-{digest[:LENGTH]}"


def _shape(schema: object) -> str:
    """A JSON Schema without its texts for people."""
    if isinstance(schema, dict):
        schema = {
            key: json.loads(_shape(value)) for key, value in schema.items() if key not in ("description", "title")
        }
    elif isinstance(schema, list):
        schema = [json.loads(_shape(each)) for each in schema]
    return json.dumps(schema, sort_keys=True, default=str)


def _code(process: Process[Any, Any, Any]) -> Iterable[str]:
    body = inspect.unwrap(process.body)
    try:
        tree = ast.parse(inspect.getsource(inspect.getmodule(body) or body))
    except (OSError, TypeError, SyntaxError):  # no source, such as in an interactive session
        code = getattr(body, "__code__", None)
        return [repr((code.co_code, code.co_names))] if code else [repr(body)]
    defined = {name: node for node in tree.body for name in _names(node)}
    name = getattr(body, "__qualname__", "").partition(".")[0]
    reached, waiting = set[str](), [name]
    while waiting:
        name = waiting.pop()
        if name in defined and name not in reached:
            reached.add(name)
            waiting += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
    return [ast.unparse(_bare(defined[name])) for name in sorted(reached)]  # a dump differs from Python to Python


def _names(node: ast.stmt) -> list[str]:
    """What a statement at the top of a file defines, imports aside."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return []


def _bare(node: ast.stmt) -> ast.stmt:
    for part in ast.walk(node):
        if isinstance(part, _Documented) and ast.get_docstring(part, clean=False) is not None:
            part.body = part.body[1:]
    return node
