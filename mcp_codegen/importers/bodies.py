"""Request bodies → inputs in the body where that says the same, else one `body`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mcp_codegen.errors import shown
from mcp_codegen.importers import fields
from mcp_codegen.importers.drafts import Draft, LeftOutError
from mcp_codegen.importers.parameters import collection, first_example, worded
from mcp_codegen.importers.references import DanglingError, Library
from mcp_codegen.importers.report import Spot
from mcp_codegen.importers.schemas import Schemas
from mcp_codegen.merging import ANNOTATIONS, is_only_required

Json = Mapping[str, Any]

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+")
_MEMBERS: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "minProperties", "maxProperties"}
)


def essence(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    """Whether a media type is JSON (RFC 6839)."""
    plain = essence(media_type)
    return plain in (JSON, "text/json") or plain.endswith("+json")


def is_media_type(media_type: str) -> bool:
    """Whether it is written as one; a range such as `*/*` is too."""
    return _MEDIA_TYPE.fullmatch(essence(media_type)) is not None


def is_text(media_type: str) -> bool:
    """Whether a media type is a text that is not JSON."""
    plain = essence(media_type)
    return plain.startswith("text/") or plain.endswith(
        ("+xml", "/xml", "/yaml", "/x-yaml", "/graphql", "/x-ndjson", "/jsonl")
    )


def described(operation: Json, parameters: list[tuple[Json, Spot]], root: Json, spot: Spot, library: Library) -> Json:
    """OpenAPI 3's Request Body Object, also of a Swagger 2 operation; empty where there is none.

    Raises `LeftOutError` where it is missing.
    """
    if "requestBody" in operation:
        try:
            found, place = library.resolved(operation["requestBody"], spot.of("requestBody"))
        except DanglingError as error:
            raise LeftOutError(f"its body is missing: {error}") from error
        return {**found, "x-spot": place} if isinstance(found, Mapping) else {}
    consumes = operation.get("consumes") or root.get("consumes")
    kinds = [str(one) for one in consumes] if isinstance(consumes, list) else []
    whole = next(((one, place) for one, place in parameters if one.get("in") == "body"), None)
    if whole is not None:
        one, place = whole
        media = {"schema": one.get("schema", {}), **({"example": one["x-example"]} if "x-example" in one else {})}
        content = dict.fromkeys(kinds or [JSON], media)
        return {**one, "content": content, "x-spot": place, "x-schema": place.of("schema")}
    parts = [(one, place) for one, place in parameters if one.get("in") == "formData"]
    if not parts:
        return {}
    has_file = any(str(one.get("type")).casefold() == "file" for one, _ in parts)
    kind = MULTIPART if has_file or (MULTIPART in kinds and FORM not in kinds) else FORM
    return {"required": True, "content": {kind: {}}, "x-spot": spot, "x-parts": parts}


def written(body: Json, method: str, schemas: Schemas, draft: Draft) -> dict[str, Any]:
    """The keys of an API that describe its body: `inputs`, `contentType`, `body`. Raises `LeftOutError`."""
    content = body.get("content")
    if not isinstance(content, Mapping) or not content:
        return {}
    spot: Spot = body["x-spot"]
    if method == "HEAD" or (method == "GET" and body.get("required") is not True):
        draft.tell(f"a {method} request has no body; it is left out", spot)
        return {}
    kind = preferred(content, draft, spot)
    media = content[kind] if isinstance(content[kind], Mapping) else {}
    if "x-parts" in body:
        parts = [_part(one, kind, place, schemas, draft) for one, place in body["x-parts"]]
        return {"inputs": parts} | _content_type(kind)
    place = body.get("x-schema", spot.of("content", kind, "schema"))
    schema = schemas.convert(media["schema"], place) if "schema" in media else {}
    about = {"description": body.get("description")}
    if (example := first_example(media, schemas.library, spot)) is not None:
        about["example"] = example
    kind = kind if is_media_type(kind) else JSON
    if is_json(kind) or essence(kind) in (FORM, MULTIPART):
        body = {**body, "x-method": method, "x-encoding": _encoding(media)}
        return _structured(kind, schema, about, body, schemas=schemas, draft=draft)
    file = not is_text(kind) and not (essence(kind).startswith("text") or _is_text_schema(schemas.plain(schema)))
    if essence(kind) in ("*/*", "application/*"):
        kind = "application/octet-stream" if file else "text/plain"
    if not fields.is_scalar(schemas.plain(schema)) and schema:
        draft.tell(f"the body is {kind}; callers write it as {'bytes' if file else 'a text'}", spot)
    one = worded(
        {"type": "file" if file else "string"}, {key: value for key, value in about.items() if key != "example"}
    )
    return {"body": one | _optional(body)} | _content_type(kind)


def preferred(content: Json, draft: Draft, spot: Spot) -> str:
    """The media type that is used of several: JSON, a form, parts, a text, anything else."""
    kinds = [str(kind) for kind in content if is_media_type(str(kind))]
    if len(kinds) < len(content):
        strange = ", ".join(shown(str(kind)) for kind in content if str(kind) not in kinds)
        draft.tell(f"{strange} is no media type{'' if kinds else '; JSON is taken'}", spot)
    kinds = kinds or [str(next(iter(content)))]
    wildcard = [kind for kind in kinds if essence(kind) in ("*/*", "application/*") and _has_members(content[kind])]
    tests = (
        lambda kind: essence(kind) == JSON, is_json, wildcard.__contains__, lambda kind: essence(kind) == FORM,
        lambda kind: essence(kind) == MULTIPART, is_text, lambda _: True,
    )  # fmt: skip
    kind = next(kind for test in tests for kind in kinds if test(kind))
    if len({essence(one) for one in kinds}) > 1:
        draft.tell(f"of its media types {', '.join(kinds)}, {kind} is taken", spot)
    return kind


def _has_members(media: object) -> bool:
    schema = media.get("schema") if isinstance(media, Mapping) else None
    return isinstance(schema, Mapping) and schema.get("type") not in ("string", "file")


def _structured(kind: str, schema: Json, about: Json, body: Json, *, schemas: Schemas, draft: Draft) -> dict[str, Any]:
    """A body of members: JSON, a form, parts."""
    plain, method = schemas.plain(schema), str(body["x-method"])
    if _can_be_flat(plain, body, method, is_form=not is_json(kind)):
        found = _members(plain, method, kind, schemas, about)
        for one in found:
            if said := body["x-encoding"].get(one["name"]):
                one.update(_encoded(said, kind, schemas.plain(plain["properties"][one["name"]]), one))
        return {"inputs": found} | _content_type(kind)
    if body["x-encoding"]:
        draft.tell("the encoding of its fields is ignored", body["x-spot"])
    if not schema and not is_json(kind):
        draft.tell("the form's fields are not described", body["x-spot"])
        schema = {"type": "object"}
    one = fields.field(schema)
    description = about.get("description")
    if isinstance(description, str) and description.strip():
        one = {"description": description.strip(), **{key: value for key, value in one.items() if key != "description"}}
    if "example" in about:
        one["example"] = about["example"]
    one = fields.default_kept(one)
    return {"body": one | _optional(body)} | _content_type(kind)


def _can_be_flat(plain: Json, body: Json, method: str, *, is_form: bool) -> bool:
    """Whether inputs for the members say exactly what the body's schema says."""
    only_required = {key for key in ("oneOf", "anyOf") if all(map(is_only_required, plain.get(key, ())))}
    if not fields.is_object(plain) or not plain["properties"] or plain.keys() - ANNOTATIONS - _MEMBERS - only_required:
        return False
    if plain.get("nullable") or isinstance(plain.get("type"), list):
        return False
    if not is_form and plain.get("additionalProperties", False) is not False:
        return False
    members = [one for one in plain["properties"].values() if not (isinstance(one, Mapping) and one.get("readOnly"))]
    if not members:
        return False
    return is_form or body.get("required") is True or (not plain.get("required") and method in ("POST", "PUT", "PATCH"))


def _members(plain: Json, method: str, kind: str, schemas: Schemas, about: Json) -> list[dict[str, Any]]:
    required = plain.get("required", [])
    found = []
    for name, schema in plain["properties"].items():
        if schema.get("readOnly") or not name or len(name) > 256 or not name.isprintable():  # noqa: PLR2004
            continue
        one = _member(schema, schemas, is_multipart=essence(kind) == MULTIPART)
        if method == "PATCH" and "default" in one:  # what is not given stays as it is upstream
            one.pop("default")
        values = about.get("example")
        if isinstance(values, Mapping) and name in values and "example" not in one:
            one["example"] = values[name]
        found.append({"name": name, "in": "body", **({} if name in required else {"required": False}), **one})
    return found


def _member(schema: Json, schemas: Schemas, *, is_multipart: bool) -> dict[str, Any]:
    if is_multipart:
        plain = schemas.plain(schema)
        about = {key: schema[key] for key in ("description", "deprecated") if key in schema}
        items = plain.get("items")
        if fields.is_file(plain):
            return worded({"type": "file"}, about)
        if plain.get("type") == "array" and isinstance(items, Mapping) and fields.is_file(schemas.plain(items)):
            return worded({"type": "array", "items": {"type": "file"}}, about)
    return fields.default_kept(fields.field(schema))


def _part(one: Json, kind: str, spot: Spot, schemas: Schemas, draft: Draft) -> dict[str, Any]:
    """A formData parameter of Swagger 2."""
    named = {"name": one["name"], "in": "body", **({} if one.get("required") is True else {"required": False})}
    if str(one.get("type")).casefold() == "file":
        return named | worded({"type": "file"}, one)
    schema = schemas.convert({key: value for key, value in one.items() if key not in _FORM_WORDS}, spot)
    written = named | fields.default_kept(worded(fields.field(schema or {"type": "string"}), one))
    if one.get("type") != "array":
        return written
    said = str(one.get("collectionFormat", "csv"))
    if kind == FORM:
        return written | collection(said, "body", schema, spot, draft)
    if said != "multi":
        draft.tell(f"the part {shown(one['name'])} repeats its name for each value", spot)
    return written


_FORM_WORDS: Final = frozenset({"name", "in", "required", "description", "collectionFormat", "allowEmptyValue"})


def _encoding(media: Json) -> dict[str, Json]:
    """How members of a form or parts are written, by their names."""
    encoding = media.get("encoding")
    given = encoding.items() if isinstance(encoding, Mapping) else ()
    return {str(name): one for name, one in given if isinstance(one, Mapping)}


def _encoded(said: Json, kind: str, plain: Json, one: Json) -> dict[str, Any]:
    """The keys of an input for what an Encoding Object says; one: the input without them."""
    media_type = str(said.get("contentType", "")).partition(",")[0].strip().lower()  # several: the first
    known = is_media_type(media_type) and "*" not in media_type
    if essence(kind) == MULTIPART:
        usual = "text/plain" if fields.is_scalar(plain) and not fields.is_file(plain) else JSON
        is_file = one.get("type") == "file" or _get(one.get("items"), "type") == "file"
        return {"contentType": media_type} if known and (is_file or essence(media_type) != usual) else {}
    if essence(kind) != FORM or fields.is_scalar(plain):
        return {}
    style, explode = said.get("style"), said.get("explode")
    if style is None and not isinstance(explode, bool):
        return {"style": "json"} if is_json(media_type) and plain.get("type") == "array" else {}
    style = style if style in ("spaceDelimited", "pipeDelimited", "deepObject") else "form"
    usual_explode = style in ("form", "deepObject")
    told = {"explode": explode} if isinstance(explode, bool) and explode != usual_explode else {}
    return {"style": style} | told


def _get(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, Mapping) else None


def _is_text_schema(plain: Json) -> bool:
    return plain.get("type") == "string" and not fields.is_file(plain) and plain.get("format") != "byte"


def _optional(body: Json) -> dict[str, Any]:
    return {} if body.get("required") is True else {"required": False}


def _content_type(kind: str) -> dict[str, Any]:
    if kind == JSON:
        return {}
    return {"contentType": {FORM: "form", MULTIPART: "multipart"}.get(essence(kind), JSON if "*" in kind else kind)}
