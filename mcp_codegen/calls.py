"""What an API's inputs become in its request: keywords of the call that a generated tool makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mcp_codegen.checked import Operation, Parameter, is_json
from mcp_codegen.literals import literal
from mcp_codegen.package import Keyword
from mcp_codegen.schema import Schema

JSON: Final = "application/json"
BODIES: Final = frozenset({"Bytes", "Form", "Json", "Members", "Part", "Parts", "Text"})
"""The runtime's kinds of bodies and parts that keywords name."""
_FORMS: Final[Mapping[str, str]] = {"application/x-www-form-urlencoded": "Form", "multipart/form-data": "Parts"}
"""The runtime's bodies that are made of parts."""


def keywords(one: Operation, arguments: Mapping[str, str]) -> Iterator[Keyword]:
    """Where each input goes, and how it is written there. arguments: Python names, by the labels of the inputs."""
    yield from _places(one, arguments)
    yield from _body(one, arguments)


def _places(one: Operation, arguments: Mapping[str, str]) -> Iterator[Keyword]:
    """What stands in the path, the query, the headers and the cookies."""
    for keyword, place in {"at": "path", "query": "query", "headers": "header", "cookies": "cookie"}.items():
        inside = [parameter for parameter in one.parameters if parameter.place == place]
        if inside:
            yield Keyword(keyword, _pairs(inside, arguments))


def _body(one: Operation, arguments: Mapping[str, str]) -> Iterator[Keyword]:
    """What stands in the body: members of a JSON object, or another kind of body."""
    inside = [parameter for parameter in one.parameters if parameter.place == "body"]
    if not inside:
        return
    as_bytes = one.media_type == "multipart/form-data"  # elsewhere a file is its base64 text
    value = arguments[inside[0].label] if inside[0].is_whole else _pairs(inside, arguments, as_bytes=as_bytes)
    media_type = one.api.content_type if "/" in one.api.content_type else one.media_type
    named = "" if media_type in (JSON, *_FORMS) else f", {literal(media_type)}"
    if is_json(one.media_type):
        plain = not inside[0].is_whole and not named
        kind = "Json" if inside[0].is_whole else "Members"
        yield Keyword("body", value if plain else f"{kind}({value}{named})")
    elif one.media_type in _FORMS:
        yield Keyword("body", f"{_FORMS[one.media_type]}({value})")
    else:
        kind = "Bytes" if inside[0].schema.kind == "file" else "Text"
        yield Keyword("body", f"{kind}({arguments[inside[0].label]}{named})")


def _pairs(parameters: Sequence[Parameter], arguments: Mapping[str, str], *, as_bytes: bool = False) -> str:
    pairs = (f"{literal(one.name)}: {_styled(one, arguments[one.label], as_bytes=as_bytes)}" for one in parameters)
    return f"{{{', '.join(pairs)}}}"


def _styled(parameter: Parameter, argument: str, *, as_bytes: bool) -> str:
    """The argument, wrapped in its style where that is not what its place does anyway."""
    if as_bytes:
        kind = f", {literal(parameter.content_type)}" if parameter.content_type else ""
        if _is_file(parameter.schema):
            return f"Bytes({argument}{kind})"
        return f"Part({argument}{kind})" if kind else argument
    usual = ("form", True) if parameter.place in ("query", "cookie") else ("simple", False)
    if (parameter.style, parameter.explode) == usual and not parameter.allow_reserved:
        return argument
    reserved = ", reserved=True" if parameter.allow_reserved else ""
    return f"Styled({argument}, {literal(parameter.style)}, explode={parameter.explode}{reserved})"


def _is_file(schema: Schema) -> bool:
    return schema.kind == "file" or (schema.items is not None and schema.items.kind == "file")
