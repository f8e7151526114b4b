"""What an API says of itself: its gateway, its method, its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from mcp_codegen.catalog import Gateway
from mcp_codegen.checked import DIRECT, CheckedCatalog, Operation
from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.rules import gateways
from mcp_codegen.validation import nearest

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """Every API goes through a gateway that exists, to a path whose placeholders are inputs, with hints that agree."""
    for one in catalog.operations:
        yield from _gateway(one, catalog.gateways)
        yield from _endpoint(one)
        yield from _method(one)
        yield from _hints(one)
        if one.api.auth is not None:
            yield from gateways.auths(one.api.auth, (*one.pointer, "auth"))
        if one.api.outputs is not None and one.api.output is not None:
            yield Problem(
                (*one.pointer, "output"), "'outputs' and 'output' describe the same answer", "keep one", at_key=True
            )


def _gateway(one: Operation, known: Mapping[str, Gateway]) -> Iterator[Problem]:
    if one.base_url:
        if one.api.gateway is not None:
            said = "an absolute endpoint goes through no gateway"
            yield Problem((*one.pointer, "gateway"), said, "keep the path and the gateway, or the URL alone")
        yield from gateways.base_url(one.base_url, (*one.pointer, "endpoint"))
        return
    if one.gateway in known:
        return
    if one.api.gateway is not None:
        hint = nearest(one.gateway, known) if known else "define it under 'gateways'"
        yield Problem((*one.pointer, "gateway"), f"there is no gateway {shown(one.gateway)}", hint)
    elif one.api.use_apim_gateway is not None:
        key = (*one.pointer, "useApimGateway")
        yield Problem(key, f"there is no gateway {shown(one.gateway)}", "define it, or name another with 'gateway'")
    else:
        said = f"this names no gateway, and there is none called {shown(DIRECT)}"
        add = f"add the key 'gateway' and {nearest('', known)}"
        yield Problem(one.pointer, said, add if known else "define one under 'gateways'")


def _endpoint(one: Operation) -> Iterator[Problem]:
    where, path = (*one.pointer, "endpoint"), one.path
    filled = _PLACEHOLDER.sub("x", path)
    if "?" in filled or "#" in filled:
        yield Problem(where, "an endpoint is a path without '?' or '#'", "make each query parameter an input")
    elif not path.startswith("/"):
        yield Problem(where, f"{shown(path)} is neither a path nor a URL", "start it with '/' or 'https://'")
    elif "{" in filled or "}" in filled or "" in one.placeholders:
        yield Problem(where, f"the braces of {shown(path)} do not match", "write placeholders as {name}")
    elif not gateways.PATH.fullmatch(filled) or not path.isprintable():
        yield Problem(where, f"{shown(path)} holds characters that a path cannot have", "percent-encode them")
    elif any(part in (".", "..") for part in filled.split("/")):
        yield Problem(where, f"{shown(path)} holds '.' or '..'", "write the path itself")
    else:
        yield from _placeholders(one, where)


def _placeholders(one: Operation, where: Pointer) -> Iterator[Problem]:
    placed = {parameter.name: parameter for parameter in one.parameters if parameter.place == "path"}
    inputs = {parameter.name for parameter in one.parameters}
    for name in dict.fromkeys(one.placeholders):
        if name not in inputs:
            near = nearest(name, inputs)
            hint = f"add an input {shown(name)}" + (f", or {near}" if near.startswith("did") else "")
            yield Problem(where, f"there is no input for the placeholder {shown('{' + name + '}')}", hint)
        elif name not in placed:
            yield Problem(where, f"the input {shown(name)} is not in the path", "remove its 'in'")
    for name, parameter in placed.items():
        if name not in one.placeholders:
            said = f"the endpoint has no placeholder {shown('{' + name + '}')}"
            yield Problem((*parameter.pointer, "in"), said, "add it, or remove this key")


def _method(one: Operation) -> Iterator[Problem]:
    if one.method not in _METHODS:
        where = (*one.pointer, "httpMethod")
        yield Problem(where, f"{shown(one.api.http_method)} is not an HTTP method", nearest(one.method, _METHODS))


def _hints(one: Operation) -> Iterator[Problem]:
    if one.api.read_only and one.api.destructive:
        yield Problem(
            (*one.pointer, "destructive"), "an API that only reads destroys nothing", "remove one of the keys"
        )
    if one.api.read_only and one.method in ("PUT", "PATCH", "DELETE"):
        yield Problem((*one.pointer, "readOnly"), f"{one.method} writes", "remove the key, or mend the method")
