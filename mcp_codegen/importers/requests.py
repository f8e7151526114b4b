"""One example of a request, from Postman or curl → the keys of an API."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mcp_codegen.errors import shown
from mcp_codegen.importers import inferring, naming
from mcp_codegen.importers.bodies import MULTIPART, is_json, is_text
from mcp_codegen.importers.drafts import Draft

_HIDDEN: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type"}
    | {
        "cookie",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "postman-token",
        "pragma",
        "priority",
        "referer",
        "te",
    }
    | {"trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "proxy-authorization"}
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Value:
    """A named value in a request."""

    name: str
    text: str
    description: str = ""
    is_file: bool = False


@dataclass(slots=True)
class Request:
    """What was sent."""

    method: str
    path: str
    """With `{placeholders}`."""
    path_values: dict[str, Value] = field(default_factory=dict)
    query: list[Value] = field(default_factory=list)
    headers: list[Value] = field(default_factory=list)
    cookies: list[Value] = field(default_factory=list)
    media_type: str = ""
    """Of the body; empty where nothing says it."""
    form: list[Value] | None = None
    """The fields of a form, or the parts of a multipart body."""
    raw: str | None = None
    """The body's text."""
    file: bool = False
    """The body is a file's bytes."""


def api(request: Request, catalog: str, draft: Draft) -> dict[str, Any]:
    """The keys of an API that say how it is called; credentials in headers and queries become the draft's auth."""
    draft.auth = (*draft.auth, *_credentials(request, catalog, draft))
    keys = {(one.get("in"), str(one.get("name", "")).lower()) for one in draft.auth}
    inputs = [_path(name, request.path_values.get(name)) for name in _placeholders(request.path)]
    inputs += _listed("query", request.query, keys)
    for one in request.headers:
        if one.name.lower() in (*_HIDDEN, "authorization") or ("header", one.name.lower()) in keys:
            continue
        if _TOKEN.fullmatch(one.name):
            inputs.append(inferring.text_input(one.name, "header", one.text, one.description, required=False))
        else:
            draft.tell(f"no header can be called {shown(one.name)}; it is left out")
    cookies = [Value(one.name, "", one.description) for one in request.cookies if _TOKEN.fullmatch(one.name)]
    inputs += [one | {"secret": True} for one in _listed("cookie", cookies, keys)]  # a cookie is mostly a session's
    body = _body(request, draft)
    inputs += body.pop("inputs", [])
    return {"httpMethod": request.method, "endpoint": request.path, **({"inputs": inputs} if inputs else {}), **body}


def _placeholders(path: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\{([^{}]*)\}", path)))


def _path(name: str, value: Value | None) -> dict[str, Any]:
    one = value or Value(name, "")
    written = inferring.text_input(name, "path", one.text, one.description, required=True)
    return written if written.get("type") == "integer" else {**written, "type": "string"}


def _listed(place: str, values: Sequence[Value], taken: set[tuple[object, str]]) -> list[dict[str, Any]]:
    """Inputs, one for each name; a name that stands there several times is a list."""
    by_name: dict[str, list[Value]] = {}
    for one in values:
        if one.name and one.name.isprintable() and (place, one.name.lower()) not in taken:
            by_name.setdefault(one.name, []).append(one)
    found = []
    for name, group in by_name.items():
        written = inferring.text_input(name, place, group[0].text, group[0].description, required=False)
        if len(group) > 1 and place == "query":
            kept = {key: value for key, value in written.items() if key in ("name", "in", "required", "description")}
            written = {**kept, "type": "array", "items": {"type": written.get("type", "string")}}
        found.append(written)
    return found


def _body(request: Request, draft: Draft) -> dict[str, Any]:
    if request.method in ("GET", "HEAD"):
        if request.form or request.raw or request.file:
            draft.tell(f"a {request.method} request has no body; it is left out")
        return {}
    if request.form is not None:
        return _form(request.form, request.media_type)
    if request.file:
        return {"body": {"type": "file"}, "contentType": request.media_type or "application/octet-stream"}
    return _raw(request.raw, request.media_type, draft) if request.raw and request.raw.strip() else {}


def _form(values: Sequence[Value], media_type: str) -> dict[str, Any]:
    names = [one.name for one in values]
    first = {one.name: one for one in reversed(values)}
    parts = [_part(first[name], several=names.count(name) > 1) for name in dict.fromkeys(names)]
    kind = "multipart" if media_type.startswith(MULTIPART) else "form"
    return {"inputs": parts, "contentType": kind} if parts else {}


def _raw(text: str, media_type: str, draft: Draft) -> dict[str, Any]:
    value = json_value(text)
    if value is None and is_json(media_type):
        draft.tell("its body is not JSON, although it is said to be; callers write any value")
        return {"body": {"type": "any"}}
    if value is None or not (is_json(media_type) or not media_type):
        kind = media_type if is_text(media_type) else media_type or "text/plain"
        return {"body": {"type": "string"}, "contentType": kind}
    named = {"contentType": media_type} if media_type not in ("", "application/json") else {}
    if isinstance(value[0], dict) and value[0]:
        return {"inputs": inferring.members(value[0]), **named}
    example = {} if not inferring.may_be_shown(value[0]) else {"example": value[0]}
    return {"body": {"schema": inferring.schema(value[0]), **example}, **named}


def _part(one: Value, *, several: bool) -> dict[str, Any]:
    if one.is_file:
        about = {"description": one.description} if one.description else {}
        kind = {"type": "array", "items": {"type": "file"}} if several else {"type": "file"}
        return {"name": one.name, "in": "body", **about, **kind}
    written = inferring.text_input(one.name, "body", one.text, one.description, required=True)
    if not several:
        return written
    kept = {key: value for key, value in written.items() if key in ("name", "in", "description")}
    return {**kept, "type": "array", "items": {"type": written["type"]}}


def json_value(text: str) -> tuple[Any] | None:
    """What a JSON text says, in a tuple; Postman's variables may stand in it without quotes."""
    quoted = re.sub(
        r'("(?:[^"\\]|\\.)*")|(\{\{[^{}]*\}\})', lambda found: found[1] or json.dumps(f"{{{{={found[2][2:]}"), text
    )
    try:
        return (json.loads(quoted),)
    except (ValueError, RecursionError):
        return None


def _credentials(request: Request, catalog: str, draft: Draft) -> list[dict[str, Any]]:
    """Secrets in headers and query become `auth`; what they were is not kept."""
    if draft.auth:
        return []
    for one in request.headers:
        if one.name.lower() == "authorization":
            scheme = one.text.strip().partition(" ")[0].lower()
            if scheme == "basic":
                return [basic(catalog)]
            draft.tell("its Authorization header became an auth; the secret is not copied")
            if scheme == "bearer":
                return [{"type": "bearer", "env": naming.variable(catalog, "TOKEN")}]
            return [
                {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "env": naming.variable(catalog, "AUTHORIZATION"),
                }
            ]
    for place, values in (("header", request.headers), ("query", request.query)):
        for one in values:
            if inferring.is_secret(one.name) and _TOKEN.fullmatch(one.name) and one.name.lower() not in _HIDDEN:
                draft.tell(f"{shown(one.name)} became an auth; the secret is not copied")
                return [api_key(catalog, place, one.name)]
    return []


def basic(catalog: str) -> dict[str, Any]:
    """User and password from the environment."""
    return {
        "type": "basic",
        "usernameEnv": naming.variable(catalog, "USERNAME"),
        "passwordEnv": naming.variable(catalog, "PASSWORD"),
    }


def api_key(catalog: str, place: str, name: str) -> dict[str, Any]:
    """A key from the environment."""
    return {"type": "apiKey", "in": place, "name": name, "env": naming.variable(catalog, name, ending=("KEY", "TOKEN"))}
