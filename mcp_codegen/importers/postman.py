"""Postman collections 2.1 → drafts of APIs, their types inferred from the examples that a collection is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from mcp_codegen import names
from mcp_codegen.errors import CatalogError, Problem, shown
from mcp_codegen.importers import inferring, naming, requests, servers
from mcp_codegen.importers.bodies import FORM, MULTIPART
from mcp_codegen.importers.drafts import Description, Draft, LeftOutError, cut
from mcp_codegen.importers.parameters import placeholder
from mcp_codegen.importers.references import Library
from mcp_codegen.importers.report import Note, Spot
from mcp_codegen.importers.requests import Request, Value
from mcp_codegen.importers.servers import Server

Json = Mapping[str, Any]

_LANGUAGES: Final[Mapping[str, str]] = {
    "json": "application/json", "xml": "application/xml", "html": "text/html", "text": "text/plain",
    "javascript": "application/javascript",
}  # fmt: skip
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DEEPEST, _LONGEST = 5, 2_000
"""Of variables in variables' values."""
_WHOLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def is_postman(data: object) -> bool:
    """Whether a document is a collection."""
    return (
        isinstance(data, Mapping) and isinstance(data.get("info"), Mapping) and "item" in data and "openapi" not in data
    )


def read(library: Library, catalog: str) -> Description:
    """The collection in the main document. Raises `CatalogError` where it is of another version."""
    root = library.root
    schema = str(root["info"].get("schema", ""))
    if "v2.1" not in schema and "v2.0" not in schema and schema:
        problem = Problem(("info", "schema"), f"{shown(schema)} is no collection that can be read", "export it as v2.1")
        raise CatalogError(library.diagnostics([problem]))
    found = Description(title=str(root["info"].get("name") or "")[:500], text=_text(root["info"].get("description")))
    reader = _Reader(library, catalog, found)
    found.auth = reader.auth(root.get("auth"), lambda _: None)
    found.drafts = list(reader.drafts(root, (), root.get("auth"), Spot(library.main)))
    found.notes += [Note(spot, said) for spot, said in library.mended()]
    _told_apart(found.drafts)
    return found


def _told_apart(drafts: list[Draft]) -> None:
    """Requests with one method and path are told apart by their names."""
    keys = [draft.key for draft in drafts]
    seen: dict[str, int] = {}
    for draft in drafts:
        if keys.count(draft.key) > 1:
            key = f"{draft.key} ({draft.wish})"
            seen[key] = seen.get(key, 0) + 1
            draft.key = key if seen[key] == 1 else f"{key} {seen[key]}"


def _text(value: object) -> str:
    content = value.get("content") if isinstance(value, Mapping) else value
    return cut(content.strip(), 20_000) if isinstance(content, str) else ""


class _Reader:
    """Walks through the folders of one collection."""

    def __init__(self, library: Library, catalog: str, found: Description) -> None:
        self._catalog = catalog
        self._found = found
        given = library.root.get("variable")
        self._values = _resolved(
            {
                str(one.get("key") or one.get("id")): str(one.get("value") or "")
                for one in (given if isinstance(given, list) else ())
                if isinstance(one, Mapping) and one.get("disabled") is not True
            }
        )

    def drafts(
        self, node: Json, tags: tuple[str, ...], auth: Any, spot: Spot  # noqa: ANN401 - JSON
    ) -> Iterator[Draft]:
        """Every request in a folder and its folders."""
        waiting: list[tuple[Json, tuple[str, ...], Any, Spot]] = [(node, tags, auth, spot)]
        while waiting:
            node, tags, auth, spot = waiting.pop()
            if node.get("event"):
                self._found.notes.append(Note(spot.of("event"), "scripts are never run, and are ignored"))
            if "request" in node:
                yield self._draft(node, tags, auth, spot)
                continue
            items = node.get("item")
            inner = []
            for index, one in enumerate(items if isinstance(items, list) else ()):
                if isinstance(one, Mapping):
                    own = auth if _inherits(one.get("auth")) else one.get("auth")
                    name = str(one.get("name") or "").strip()[:128]
                    deeper = (*tags, name) if "item" in one and name else tags
                    inner.append((one, deeper, own, spot.of("item", index)))
            waiting += reversed(inner)

    def _draft(self, node: Json, tags: tuple[str, ...], auth: Any, spot: Spot) -> Draft:  # noqa: ANN401 - JSON
        given = node["request"]
        sent: Json = given if isinstance(given, Mapping) else {"url": given}
        name = str(node.get("name") or "")
        method = str(sent.get("method") or "GET").upper()
        draft = Draft(f"{method} ?", spot, wish=names.snake_case(name) if name.strip() else "", tags=tags)
        try:
            self._fill(draft, node, sent, auth)
        except LeftOutError as error:
            draft.reason = str(error)
        return draft

    def _fill(self, draft: Draft, node: Json, sent: Json, auth: Any) -> None:  # noqa: ANN401 - JSON
        method, name = draft.key.partition(" ")[0], str(node.get("name") or "")
        request = Request(method, "/")
        draft.server = self._url(sent.get("url"), request)
        draft.key = f"{method} {request.path}"
        if method not in _METHODS:
            raise LeftOutError(f"{shown(method)} is no HTTP method that APIs use")
        request.headers = _headers(sent.get("header"))
        draft.auth = self.auth(auth if _inherits(sent.get("auth")) else sent.get("auth"), draft.tell)
        self._body(sent.get("body"), request, draft)
        description = _text(sent.get("description")) or _text(node.get("description"))
        words = {"title": cut(name, 120), "description": description} if description else {"description": name}
        answers = self._answers(node.get("response"), draft)
        api = requests.api(request, self._catalog, draft)
        draft.api = {
            **{k: v for k, v in words.items() if v},
            **({"tags": list(draft.tags)} if draft.tags else {}),
            **api,
            **answers,
        }

    # --- the URL -----------------------------------------------------------------------------------

    def _url(self, url: Any, request: Request) -> Server:  # noqa: ANN401 - JSON
        raw = url if isinstance(url, str) else str(_get(url, "raw") or "")
        if isinstance(url, Mapping) and not raw:
            raw = _joined(url)
        if not raw:
            raise LeftOutError("it has no URL")
        front, _, query = raw.partition("#")[0].partition("?")
        server, path = self._split(front)
        request.path = self._path(path, url, request)
        listed = _get(url, "query")
        if isinstance(listed, list):
            request.query = _values(listed)
        else:
            pairs = [pair.partition("=") for pair in query.split("&") if pair]
            request.query = [Value(unquote(name), unquote(value)) for name, _, value in pairs]
        return server

    def _split(self, front: str) -> tuple[Server, str]:
        """The server, and the path behind it; a variable in front stands for the host, and what its value says more."""
        if match := re.match(r"\{\{\s*([^{}]+?)\s*\}\}", front):
            value = self._values.get(match[1], "")
            known = servers.of_url(value) if value and "{{" not in value else Server()
            server = known if known.host else Server("", known.prefix, (match[1],))
            return server, front[match.end() :]
        match = re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?[^/]*", front)
        end = match.end() if match else 0
        host = _WHOLE.sub(lambda one: self._values.get(one[1], one[0]), front[:end])
        return servers.of_url(host if "://" in host else f"https://{host}"), front[end:]

    def _path(self, path: str, url: Any, request: Request) -> str:  # noqa: ANN401 - JSON
        listed = _get(url, "variable")
        known = {one.name: one for one in _values(listed)}
        written = []
        for segment in path.split("/")[1:]:
            if segment.startswith(":") and len(segment) > 1:
                name, more = re.match(r":([^.(]*)(.*)", segment).groups()  # type: ignore[union-attr]
                clean = placeholder(name)
                request.path_values[clean] = known.get(name, Value(clean, ""))
                written.append(f"{{{clean}}}{re.sub(r'[^A-Za-z0-9._~-]', '', more)}")
                continue
            written.append(_WHOLE.sub(self._filled, segment))
        text = re.sub(r"[^A-Za-z0-9._~!$&'()*+,;=:@/{}%-]", "_", "/" + "/".join(written))
        return re.sub(r"\{\}|(?<=/)\.\.?(?=/|$)", "_", text)

    def _filled(self, match: re.Match[str]) -> str:
        """A collection's variable in a path: its value, or an input."""
        value = self._values.get(match[1], "")
        return value if re.fullmatch(r"[A-Za-z0-9._~/-]+", value) else f"{{{placeholder(match[1])}}}"

    # --- body, auth, answers -----------------------------------------------------------------------

    def _body(self, body: Any, request: Request, draft: Draft) -> None:  # noqa: ANN401 - JSON
        if not isinstance(body, Mapping) or body.get("disabled") is True:
            return
        mode = body.get("mode")
        said = next((one.text for one in request.headers if one.name.lower() == "content-type"), "")
        request.media_type = said.strip()
        if mode == "raw":
            request.raw = str(body.get("raw") or "")
            options = _get(_get(body, "options"), "raw")
            request.media_type = request.media_type or _LANGUAGES.get(str(_get(options, "language")), "")
        elif mode in ("urlencoded", "formdata"):
            request.media_type = FORM if mode == "urlencoded" else MULTIPART
            request.form = _values(body.get(mode))
        elif mode == "file":
            request.file = True
        elif mode == "graphql":
            self._graphql(body.get("graphql"), request)
            draft.tell("a GraphQL request: its query is sent unless callers write another")
        elif mode:
            draft.tell(f"its body of kind {shown(str(mode))} is left out")

    def _graphql(self, given: Any, request: Request) -> None:  # noqa: ANN401 - JSON
        query, variables = _get(given, "query"), _get(given, "variables")
        example = requests.json_value(variables) if isinstance(variables, str) else None
        about = {"example": example[0]} if example and isinstance(example[0], Mapping) and example[0] else {}
        known = {"default": query} if isinstance(query, str) and query.strip() else {}
        request.members = [
            {"name": "query", "in": "body", "description": "In GraphQL.", "type": "string", **known},
            {"name": "variables", "in": "body", "required": False, "type": "object", **about},
        ]

    def auth(self, auth: Any, tell: Callable[[str], None]) -> tuple[dict[str, Any], ...]:  # noqa: ANN401 - JSON
        """What a request, a folder or the collection asks for."""
        kind = str(_get(auth, "type") or "noauth").lower()
        given = _get(auth, kind)
        about = (
            {str(one.get("key")): one.get("value") for one in given if isinstance(one, Mapping)}
            if isinstance(given, list)
            else dict(given) if isinstance(given, Mapping) else {}
        )
        if kind == "apikey":
            place = "query" if about.get("in") == "query" else "header"
            name = str(about.get("key") or "X-API-Key")
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", name):
                tell("its API key's name cannot be said: set 'auth'")
                return ()
            return (requests.api_key(self._catalog, place, name),)
        if kind == "basic":
            return (requests.basic(self._catalog),)
        if kind == "oauth2" and about.get("grant_type") == "client_credentials":
            url = str(about.get("accessTokenUrl") or "")
            plain = re.fullmatch(r"https?://[^\s{}?#@$]+", url)
            return (
                {
                    "type": "oauth2ClientCredentials",
                    "tokenUrl": url if plain else f"${{{naming.variable(self._catalog, 'TOKEN_URL')}}}",
                    "clientIdEnv": naming.variable(self._catalog, "CLIENT_ID"),
                    "clientSecretEnv": naming.variable(self._catalog, "CLIENT_SECRET"),
                    **({"scopes": str(about["scope"]).split()} if about.get("scope") else {}),
                },
            )
        if kind in ("bearer", "oauth2", "jwt"):
            return ({"type": "bearer", "env": naming.variable(self._catalog, "TOKEN")},)
        if kind not in ("noauth", "inherit"):
            tell(f"its credentials of kind {shown(kind)} cannot be said in a catalog: set 'auth'")
        return ()

    def _answers(self, saved: Any, draft: Draft) -> dict[str, Any]:  # noqa: ANN401 - JSON
        outputs: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        told: dict[str, Any] = {}
        for one in saved if isinstance(saved, list) else ():
            code, body = _get(one, "code"), _get(one, "body")
            if not isinstance(code, int) or isinstance(code, bool):
                continue
            value = requests.json_value(body) if isinstance(body, str) and body.strip() else None
            if 300 <= code <= 599:  # noqa: PLR2004 - statuses
                name = str(_get(one, "name") or _get(one, "status") or "")
                errors.append(
                    {
                        "status": code,
                        **({"description": cut(name, 500)} if name else {}),
                        **({"example": value[0]} if value else {}),
                    }
                )
            elif 200 <= code < 300 and value is not None and not isinstance(value[0], str):  # noqa: PLR2004
                schema = inferring.schema(value[0])
                if schema not in outputs:
                    outputs.append(schema)
            elif 200 <= code < 300 and isinstance(body, str) and body.strip() and value is None:  # noqa: PLR2004
                told = {"answerType": _content_type(one)}
        if outputs:
            joined = inferring.joined(outputs)
            told = {"output": joined or {"anyOf": outputs}}
            draft.tell("the type of its answer is inferred from saved responses")
        return told | ({"errors": errors} if errors else {})


def _content_type(response: Any) -> str:  # noqa: ANN401 - JSON
    said = next((one.text for one in _values(_get(response, "header")) if one.name.lower() == "content-type"), "")
    kind = said.partition(";")[0].strip().lower()
    return kind if re.fullmatch(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", kind) and "json" not in kind else "text/plain"


def _joined(url: Json) -> str:
    host, path = url.get("host"), url.get("path")
    start = ".".join(map(str, host)) if isinstance(host, list) else str(host or "")
    scheme = f"{url['protocol']}://" if url.get("protocol") else ""
    behind = (
        "/".join(str(_get(one, "value") or one) for one in path)
        if isinstance(path, list)
        else str(path or "").lstrip("/")
    )
    return f"{scheme}{start}/{behind}"


def _resolved(values: dict[str, str]) -> dict[str, str]:
    """The collection's variables, those in each other's values filled in."""
    found = values
    for _ in range(_DEEPEST):
        found = {
            name: _WHOLE.sub(lambda one: values.get(one[1], one[0]), value)[:_LONGEST] for name, value in found.items()
        }
    return found


def _inherits(auth: Any) -> bool:  # noqa: ANN401 - JSON
    return not auth or _get(auth, "type") == "inherit"


def _headers(given: Any) -> list[Value]:  # noqa: ANN401 - JSON
    """Headers, also those of older collections: one text, a line for each."""
    if not isinstance(given, str):
        return _values(given)
    pairs = [line.partition(":") for line in given.splitlines()]
    return [Value(name.strip(), value.strip()) for name, colon, value in pairs if colon and name.strip()]


def _values(listed: Any) -> list[Value]:  # noqa: ANN401 - JSON
    """Named values that are not disabled."""
    found = []
    for one in listed if isinstance(listed, list) else ():
        name = _get(one, "key") or _get(one, "id")
        if isinstance(name, str) and name and _get(one, "disabled") is not True:
            value = _get(one, "value")
            text = value if isinstance(value, str) else "" if value is None else str(value)
            is_file, kind = _get(one, "type") == "file", _get(one, "contentType")
            said = Value(name, text, _text(_get(one, "description")), is_file, kind if isinstance(kind, str) else "")
            several = _get(one, "src")
            found += [said] * (2 if is_file and isinstance(several, list) and len(several) > 1 else 1)
    return found


def _get(node: Any, key: str) -> Any:  # noqa: ANN401 - JSON
    return node.get(key) if isinstance(node, Mapping) else None
