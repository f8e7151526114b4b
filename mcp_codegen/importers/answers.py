"""Responses → `output`, `answerType` and `errors`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_codegen.importers.bodies import JSON, essence, is_json, is_media_type, is_text
from mcp_codegen.importers.drafts import Draft, cut
from mcp_codegen.importers.parameters import first_example
from mcp_codegen.importers.references import DanglingError, Library
from mcp_codegen.importers.report import Spot
from mcp_codegen.importers.schemas import Schemas

Json = Mapping[str, Any]
_NULL = {"type": "null"}


@dataclass(frozen=True, slots=True)
class _Answer:
    """One response."""

    status: str
    description: str
    content: Json
    spot: Spot
    headers: tuple[str, ...] = ()


def written(
    operation: Json, root: Json, *, spot: Spot, library: Library, schemas: Schemas, draft: Draft
) -> dict[str, Any]:
    """The keys of an API that describe its answers, and `x-example`: an example of a successful one."""
    answers = list(_answers(operation, root, spot, library, draft))
    good = [one for one in answers if re.fullmatch("2([0-9][0-9]|XX|xx)", one.status)]
    good = good or [one for one in answers if one.status == "default"]
    told = _success(good, schemas, draft)
    draft.headers = tuple(dict.fromkeys(name for one in good for name in one.headers))
    errors = [entry for one in answers for entry in _errors(one, library)]
    return told | ({"errors": errors} if errors else {})


def _answers(operation: Json, root: Json, spot: Spot, library: Library, draft: Draft) -> Iterator[_Answer]:
    given = operation.get("responses")
    if not isinstance(given, Mapping) or not given:
        draft.tell("it says nothing about its answers")
        return
    produces = operation.get("produces") or root.get("produces")
    kinds = [str(one) for one in produces] if isinstance(produces, list) and produces else [JSON]
    for status, one in given.items():
        if status.startswith("x-"):
            continue
        where = spot.of("responses", status)
        try:
            found, place = library.resolved(one, where)
        except DanglingError as error:
            draft.tell(f"the answer {status} is missing: {error}", where)
            found, place = {}, where
        if not isinstance(found, Mapping):
            found = {}
        content = found.get("content")
        if "schema" in found and not isinstance(content, Mapping):  # Swagger 2
            content = _swagger(found, kinds)
            place = Spot(place.document, place.pointer)
        description = found.get("description")
        text = description.strip() if isinstance(description, str) else ""
        named = found.get("headers")
        headers = tuple(map(str, named)) if isinstance(named, Mapping) else ()
        yield _Answer(str(status), text, content if isinstance(content, Mapping) else {}, place, headers)


def _swagger(found: Json, kinds: list[str]) -> Json:
    given = found.get("examples")
    examples: Json = given if isinstance(given, Mapping) else {}
    if str(_get(found["schema"], "type")).casefold() == "file":
        kinds = [kind for kind in kinds if not is_json(kind)] or ["application/octet-stream"]
    content = {}
    for kind in kinds:
        example = next((value for name, value in examples.items() if essence(str(name)) == essence(kind)), None)
        content[kind] = {"schema": found["schema"], "x-swagger": True} | (
            {} if example is None else {"example": example}
        )
    return content


def _get(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, Mapping) else None


def _success(good: list[_Answer], schemas: Schemas, draft: Draft) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    other = ""
    empty = 0
    example: dict[str, Any] = {}
    kinds: dict[str, None] = {}
    for one in good:
        json_kind = next((str(kind) for kind in one.content if _is_json(str(kind), one.content[kind])), "")
        kinds |= dict.fromkeys(essence(str(kind)) for kind in one.content)
        if not one.content:
            empty += 1
        elif json_kind:
            media = one.content[json_kind] if isinstance(one.content[json_kind], Mapping) else {}
            place = one.spot.of("schema") if "x-swagger" in media else one.spot.of("content", json_kind, "schema")
            schema = schemas.convert(media.get("schema", {}), place)
            if schema not in found:
                found.append(schema)
            if not example and (value := first_example(media, schemas.library, one.spot)) is not None:
                example = {"x-example": value}
        else:
            other = other or next(iter(map(str, one.content)))
    if len(kinds) > 1:
        taken = "JSON" if found else other
        draft.tell(f"of the answer's media types {', '.join(kinds)}, {taken} is asked for")
    if found:
        if other:
            draft.tell(f"a successful answer may also be {other}, which is not described")
        return _output([{}] if {} in found else found, empty > 0) | example
    return {"answerType": _asked(other)} if other else {}


def _is_json(kind: str, media: object) -> bool:
    """Also `*/*`, where the schema is not that of a file or a text, and what is no media type."""
    if is_json(kind) or not is_media_type(kind):
        return True
    schema = media.get("schema") if isinstance(media, Mapping) else None
    wild = essence(kind) in ("*/*", "application/*")
    return wild and isinstance(schema, Mapping) and schema.get("type") not in ("string", "file")


def _output(found: list[dict[str, Any]], nullable: bool) -> dict[str, Any]:
    if found == [{}]:
        return {}
    if len(found) == 1 and not nullable:
        return {"output": found[0]}
    return {"output": {"anyOf": [*found, *([_NULL] if nullable else [])]}}


def _asked(kind: str) -> str:
    plain = essence(kind)
    return "application/octet-stream" if "*" in plain and not is_text(plain) else plain.replace("*", "plain")


def _errors(one: _Answer, library: Library) -> Iterator[dict[str, Any]]:
    """One entry for a failure, or one for each of its codes."""
    if not re.fullmatch("[345][0-9][0-9]", one.status):
        return
    entry: dict[str, Any] = {"status": int(one.status)}
    media: Any = next((value for kind, value in one.content.items() if is_json(str(kind))), {})
    named = media.get("examples") if isinstance(media, Mapping) else None
    told = False
    for example in named.values() if isinstance(named, Mapping) else ():
        try:
            found, _ = library.resolved(example, one.spot)
        except DanglingError:
            continue
        value = _get(found, "value")
        code = _get(value, "code")
        if isinstance(value, Mapping) and isinstance(code, str):
            said = _get(found, "description") or _get(found, "summary") or one.description
            yield entry | {"description": cut(str(said), 20_000), "code": code, "example": value}
            told = True
    if not told:
        example = first_example(media, library, one.spot) if isinstance(media, Mapping) else None
        yield entry | ({"description": cut(one.description, 20_000)} if one.description else {}) | (
            {"example": example} if example is not None else {}
        )
