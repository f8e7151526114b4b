"""Where inputs stand in a request, and how they are written there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mcp_codegen.catalog import ApiKey
from mcp_codegen.checked import CheckedCatalog, Operation, Parameter, is_json
from mcp_codegen.errors import Problem, shown
from mcp_codegen.fitting import unfit
from mcp_codegen.schema import Schema, json_schema
from mcp_codegen.validation import nearest

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "expect"}
    | {"host", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}
)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("simple", "label", "matrix", "json"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject", "json"),
    "header": ("simple", "json"),
    "cookie": ("form", "json"),
    "body": ("simple",),
    "form": ("simple", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"),
}
"""OpenAPI 3.1, Parameter Object, Style Values; `simple` is what an input in the body has when it says nothing."""


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """Every input of an active API stands once, where it can be sent, and in a style that its place has."""
    for one in catalog.operations:
        if one.api.active:
            yield from _parameters(one, catalog)


def _parameters(one: Operation, catalog: CheckedCatalog) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for parameter in one.parameters:
        if (parameter.place, parameter.name) in seen:
            said = f"{shown(parameter.name)} stands in the {parameter.place} twice"
            yield Problem((*parameter.pointer, "name"), said, "rename or remove one")
        seen.add((parameter.place, parameter.name))
        yield from _place(one, parameter, catalog)
        yield from _style(one, parameter, catalog)
        yield from _default(parameter)
    yield from _body(one, catalog)


def _body(one: Operation, catalog: CheckedCatalog) -> Iterator[Problem]:
    inside = [parameter for parameter in one.parameters if parameter.place == "body"]
    where = (*one.pointer, "contentType")
    if one.api.body is not None and len(inside) > 1:
        said = "'body' is the whole body, and inputs stand in it too"
        yield Problem((*one.pointer, "body"), said, "keep 'body', or the inputs", at_key=True)
    elif inside and not _MEDIA_TYPE.fullmatch(one.media_type):
        yield Problem(where, f"{shown(one.api.content_type)} is not a media type", "write one such as application/json")
    elif inside and not is_json(one.media_type) and one.media_type not in _FORMS:
        plain = len(inside) == 1 and _kind(inside[0].schema, catalog) in ("scalar", "file")
        if not plain:
            said = f"a body of type {shown(one.api.content_type)} is one plain value"
            yield Problem(where, said, "describe it with one input or with 'body', of type string or file")


def _style(one: Operation, parameter: Parameter, catalog: CheckedCatalog) -> Iterator[Problem]:
    is_form = parameter.place == "body" and one.media_type == _FORMS[0]
    styles = _STYLES["form" if is_form else parameter.place]
    if parameter.style not in styles:
        said = f"style {shown(parameter.style)} does not go with the {parameter.place}"
        yield Problem((*parameter.pointer, "style"), said, nearest(parameter.style, styles))
    elif parameter.style == "deepObject" and _kind(parameter.schema, catalog) == "scalar":
        yield Problem((*parameter.pointer, "style"), "'deepObject' is for objects", "remove it")
    if parameter.allow_reserved and parameter.place != "query":
        yield Problem((*parameter.pointer, "allowReserved"), "this is for inputs in the query", "remove it")
    if parameter.content_type and (parameter.place != "body" or one.media_type != _FORMS[1]):
        said = "this is for the parts of a multipart body"
        yield Problem((*parameter.pointer, "contentType"), said, "set the API's contentType")


def _place(one: Operation, parameter: Parameter, catalog: CheckedCatalog) -> Iterator[Problem]:
    where = parameter.pointer
    kind = _kind(parameter.schema, catalog)
    if parameter.place == "body" and one.method == "HEAD":
        yield Problem((*where, "in"), f"{one.method} has no body", "put the input into the query")
    elif parameter.place != "body" and kind == "file":
        yield Problem(where, f"a file cannot stand in the {parameter.place}", "put it into the body")
    if parameter.place == "path" and (not parameter.required or parameter.schema.nullable):
        yield Problem(where, "an input in the path is always needed", "remove 'required', 'nullable' and 'default'")
    yield from _wire_name(parameter, catalog.auths_of(one))


def _wire_name(parameter: Parameter, auths: Sequence[object]) -> Iterator[Problem]:
    where, name, place = (*parameter.pointer, "name"), parameter.name, parameter.place
    keys = {(auth.in_, auth.name.lower()) for auth in auths if isinstance(auth, ApiKey)}
    if not name.isprintable():
        yield Problem(where, f"{shown(name)} cannot be a name", "use printable characters")
    elif place in ("header", "cookie") and not _HEADER.fullmatch(name):
        yield Problem(where, f"{shown(name)} cannot be a {place}'s name", "use letters, digits and '-'")
    elif place == "header" and name.lower() in _OWN_HEADERS:
        hint = "use 'auth'" if "auth" in name.lower() else "leave it to the server"
        yield Problem(where, f"callers may not set the header {shown(name)}", hint)
    elif (place, name.lower()) in keys:
        yield Problem(where, "this is where the credential stands", "remove the input; the server adds the credential")


def _kind(schema: Schema, catalog: CheckedCatalog, seen: frozenset[str] = frozenset()) -> str:
    """Scalar, list, object, file or other: what decides how a value can be written outside a JSON body."""
    if schema.kind == "ref":
        again = schema.ref in seen  # refused by another rule
        return "other" if again else _kind(catalog.schemas[schema.ref], catalog, seen | {schema.ref})
    if schema.kind in ("file", "object"):
        return schema.kind
    if schema.kind == "array":
        return "list"
    return "scalar" if schema.kind in ("string", "integer", "number", "decimal", "boolean") else "other"


def _default(parameter: Parameter) -> Iterator[Problem]:
    schema = parameter.schema
    if not schema.default:
        return
    where = (*parameter.pointer, "default")
    plain = schema.kind in ("string", "integer", "number", "decimal", "boolean") and schema.format not in (
        "date",
        "date-time",
    )
    if not plain:
        yield Problem(where, "a default for this type cannot be generated yet", "leave it out")
    elif schema.kind == "integer" and isinstance(schema.default[0], float):
        yield Problem(where, "this does not fit its type: expected a whole number", "write it without decimals")
    else:
        yield from unfit(schema.default[0], json_schema(schema, "input", str), where)
