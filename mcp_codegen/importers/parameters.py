"""Parameters in path, query, headers and cookies → inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mcp_codegen import names
from mcp_codegen.errors import shown
from mcp_codegen.importers import fields
from mcp_codegen.importers.drafts import Draft, LeftOutError
from mcp_codegen.importers.references import DanglingError, Library
from mcp_codegen.importers.report import Spot
from mcp_codegen.importers.schemas import Schemas

Json = Mapping[str, Any]

PLACES: Final = ("path", "query", "header", "cookie")
_IGNORED: Final = frozenset({"accept", "content-type", "authorization"})
_OWN: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "cookie", "expect", "host", "keep-alive", "te", "trailer"}
    | {"proxy-authorization", "transfer-encoding", "upgrade", "user-agent"}
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""By place; the first is the default."""
_COLLECTIONS: Final[Mapping[str, str]] = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_PARAMETER_WORDS: Final = frozenset(
    {"name", "in", "required", "description", "style", "explode", "collectionFormat", "allowEmptyValue", "examples"}
    | {"allowReserved", "content", "schema", "deprecated"}
)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def listed(node: Json, spot: Spot, library: Library, draft: Draft) -> Iterator[tuple[Json, Spot]]:
    """The parameters that stand under `parameters`, references followed. Raises `LeftOutError`."""
    given = node.get("parameters", [])
    if not isinstance(given, list):
        draft.tell("its parameters are not a list, and are ignored", spot.of("parameters"))
        return
    seen: set[tuple[str, str]] = set()
    for index, one in enumerate(given):
        where = spot.of("parameters", index)
        try:
            found, place = library.resolved(one, where)
        except DanglingError as error:
            raise LeftOutError(f"a parameter is missing: {error}") from error
        if not isinstance(found, Mapping) or not isinstance(found.get("name"), str) or not found["name"]:
            draft.tell("a parameter without a name is ignored", where)
            continue
        identity = (str(found.get("in")), found["name"])
        if identity in seen:
            draft.tell(f"the parameter {shown(found['name'])} stands here twice; the first counts", where)
            continue
        seen.add(identity)
        yield found, place


def inputs(
    found: list[tuple[Json, Spot]], path: str, schemas: Schemas, draft: Draft
) -> tuple[str, list[dict[str, Any]]]:
    """The endpoint, and an input for each parameter outside of the body. Raises `LeftOutError`."""
    path, fixed, moved = _endpoint(path, draft)
    placeholders = list(dict.fromkeys(_PLACEHOLDER.findall(path)))
    written: list[dict[str, Any]] = []
    for given, spot in found:
        place = given.get("in")
        if place in ("body", "formData"):
            continue
        clean = placeholder(given["name"])
        is_moved = place == "path" and clean in moved and clean not in placeholders
        parameter = {**given, "in": "query", "name": moved[clean]} if is_moved else given
        one = _input(parameter, spot, placeholders, schemas, draft)
        if one is not None:
            written.append(one)
    named = {one["name"] for one in written if one["in"] == "path"}
    for name in placeholders:
        if name not in named:
            draft.tell(f"the path's {{{name}}} is not described; it is taken as a text")
            written.append({"name": name, "in": "path", "type": "string"})
    taken = {one["name"] for one in written if one["in"] == "query"}
    fixed += [
        {"name": wire, "in": "query", "required": False, "type": "string"}
        for name, wire in moved.items()
        if name not in taken and name not in placeholders
    ]
    written += [one for one in fixed if one["name"] not in taken]
    written.sort(key=lambda one: one["in"] != "path")
    return path, written


def _endpoint(path: str, draft: Draft) -> tuple[str, list[dict[str, Any]], dict[str, str]]:
    """A path that the language takes; inputs for a query that was written into it; and its placeholders' own names.

    Also URI templates (RFC 6570): `/a{?b,c}` has a query, `{+path}` is a placeholder.
    """
    moved: dict[str, str] = {}
    for listed_names in re.findall(r"\{[?&]([^{}]*)\}", path):
        for name in filter(None, re.split(r"[,\s]+", listed_names)):
            wire = re.sub(r"(\*|:\d+)$", "", name)
            moved[placeholder(wire)] = wire
    path = re.sub(r"\{[?&][^{}]*\}", "", path)
    path, _, fragment = path.partition("#")
    path, _, query = path.partition("?")
    if fragment:
        draft.tell(f"the path's fragment {shown(fragment)} is never sent")
    fixed = []
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if inner := re.fullmatch(r"\{([^{}]+)\}", value):
            moved[placeholder(inner[1])] = name
            draft.tell(f"the path's query {shown(pair)} became an input")
        elif name and "{" not in pair:
            draft.tell(f"the path's query {shown(pair)} became an input with one value")
            fixed.append({"name": name, "in": "query", "type": "string", "enum": [value], "default": value})
    clean = re.sub(r"\{([^{}]*)\}", lambda match: f"{{{placeholder(match[1])}}}", path)
    return re.sub(r"[^A-Za-z0-9._~!$&'()*+,;=:@/{}%-]", lambda match: _percent(match[0]), clean), fixed, moved


def placeholder(name: str) -> str:
    """A placeholder's name that the language takes; on the wire there is none."""
    plain = names.ascii_letters(name)
    return re.sub(r"[^A-Za-z0-9._~$@-]+", "_", plain).strip("_") or "value"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _input(
    parameter: Json, spot: Spot, placeholders: list[str], schemas: Schemas, draft: Draft
) -> dict[str, Any] | None:
    name, place = parameter["name"], str(parameter.get("in", "")).casefold()
    if place not in PLACES:
        draft.tell(f"the parameter {shown(name)} stands in {shown(str(parameter.get('in')))}, which is no place", spot)
        return None
    required = parameter.get("required") is True or place == "path"
    if place == "header" and name.casefold() in _IGNORED:
        draft.tell(f"the header {name} is ignored, as OpenAPI says: the body, the answer and 'auth' decide it", spot)
        return None
    if place == "header" and name.casefold() in _OWN:
        draft.tell(f"the header {shown(name)} is the server's own to set", spot)
        return None
    if place in ("header", "cookie") and not _TOKEN.fullmatch(name):
        if required:
            raise LeftOutError(f"no {place} can be called {shown(name)}, and it is required")
        draft.tell(f"no {place} can be called {shown(name)}; it is left out", spot)
        return None
    if place == "path":
        name = _placed(name, placeholders)
        if not name:
            draft.tell(f"the path has no {{{parameter['name']}}}; the parameter is ignored", spot)
            return None
    if not name.isprintable() or len(name) > 256:  # noqa: PLR2004 - the language's limit
        raise LeftOutError(f"{shown(name)} cannot be a parameter's name")
    written = {"name": name, "in": place}
    written |= {"required": False} if not required else {}
    return written | _typed(parameter, place, spot, schemas, draft)


def _placed(name: str, placeholders: list[str]) -> str:
    """The placeholder that a path parameter fills; empty where there is none."""
    clean = placeholder(name)
    if clean in placeholders:
        return clean
    return next((one for one in placeholders if one.casefold() == clean.casefold()), "")


def _typed(parameter: Json, place: str, spot: Spot, schemas: Schemas, draft: Draft) -> dict[str, Any]:
    """Its type, its words, and how it is written on the wire."""
    if isinstance(parameter.get("content"), Mapping) and "schema" not in parameter:
        return _in_media_type(parameter, place, spot, schemas, draft)
    if "schema" in parameter:
        schema = schemas.convert(parameter["schema"], spot.of("schema"))
    else:
        schema = schemas.convert({k: v for k, v in parameter.items() if k not in _PARAMETER_WORDS}, spot)
        if not schema:
            draft.tell(f"the parameter {shown(parameter['name'])} has no type; it is taken as a text", spot)
            schema = {"type": "string"}
    plain = schemas.plain(schema)
    written = fields.field(schema)
    written = fields.default_kept(worded(written, parameter))
    if place == "path":
        written = {key: value for key, value in written.items() if key not in ("nullable", "default")}
    return written | _style(parameter, place, plain, spot, draft)


def worded(written: dict[str, Any], about: Json) -> dict[str, Any]:
    """A field with the words of its parameter: description, example, deprecation."""
    description = about.get("description")
    if isinstance(description, str) and description.strip():
        rest = {key: value for key, value in written.items() if key not in ("title", "description")}
        written = {"description": description.strip(), **rest}
    if (found := first_example(about)) is not None:
        written = {**written, "example": found}
    return {**written, "deprecated": True} if about.get("deprecated") is True else written


def first_example(about: Json, library: Library | None = None, spot: Spot | None = None) -> Any:  # noqa: ANN401 - JSON
    """The example of a parameter or a media type, in either way of writing; None where there is none."""
    if "example" in about:
        return about["example"]
    named = about.get("examples")
    for one in named.values() if isinstance(named, Mapping) else ():
        try:
            found = library.resolved(one, spot)[0] if library and spot else one
        except DanglingError:
            continue
        if isinstance(found, Mapping) and "value" in found:
            return found["value"]
    return about.get("x-example")


def _in_media_type(parameter: Json, place: str, spot: Spot, schemas: Schemas, draft: Draft) -> dict[str, Any]:
    """A parameter that is written in a media type of its own: JSON from its value, any other by the caller."""
    kind, media = next(iter(parameter["content"].items()), ("text/plain", {}))
    media = media if isinstance(media, Mapping) else {}
    schema = schemas.convert(media.get("schema", {}), spot.of("content", kind, "schema"))
    if re.fullmatch(r"[^;]*[/+]json\s*(;.*)?", str(kind).casefold()):
        example = first_example(media)
        about = parameter if example is None else {"example": example, **parameter}
        written = fields.default_kept(worded(fields.field(schema), about))
        if place == "path":
            written = {key: value for key, value in written.items() if key not in ("nullable", "default")}
        return {**written, "style": "json"}
    draft.tell(f"the parameter {shown(parameter['name'])} is {kind} in a text; callers write that text", spot)
    written = worded({"type": "string"}, parameter)
    example = first_example(media)
    if example is not None and "example" not in written:
        written["example"] = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
    plain = schemas.plain(schema)
    members = ", ".join(plain.get("properties", {})) if fields.is_object(plain) else ""
    return fields.described(written, f"A text that holds {kind}{f' with the members {members}' if members else ''}.")


def _style(parameter: Json, place: str, plain: Json, spot: Spot, draft: Draft) -> dict[str, Any]:
    if "collectionFormat" in parameter or ("schema" not in parameter and plain.get("type") == "array"):
        return collection(str(parameter.get("collectionFormat", "csv")), place, plain, spot, draft)
    reserved = {"allowReserved": True} if parameter.get("allowReserved") is True and place == "query" else {}
    if fields.is_scalar(plain) and parameter.get("style") not in ("label", "matrix"):
        return reserved
    style, explode = parameter.get("style"), parameter.get("explode")
    written: dict[str, Any] = {}
    if style is not None and style not in _STYLES[place]:
        draft.tell(f"style {shown(str(style))} does not go with the {place}, and is ignored", spot.of("style"))
    elif style is not None and style != _STYLES[place][0]:
        written["style"] = style
    if isinstance(explode, bool) and explode != (written.get("style", _STYLES[place][0]) in ("form", "deepObject")):
        written["explode"] = explode
    return written | reserved


def collection(said: str, place: str, plain: Json, spot: Spot, draft: Draft) -> dict[str, Any]:
    """Swagger 2's collectionFormat in OpenAPI 3's words."""
    if plain.get("type") != "array" or place in ("path", "header"):
        if said not in ("csv", "multi") and plain.get("type") == "array":
            draft.tell(f"collectionFormat {shown(said)} does not go with the {place}; csv is taken", spot)
        return {}
    if said == "multi":
        return {}
    if said in _COLLECTIONS:
        return {"style": _COLLECTIONS[said], "explode": False}
    if said != "csv":
        draft.tell(f"collectionFormat {shown(said)} cannot be said; csv is taken", spot)
    return {"explode": False}
