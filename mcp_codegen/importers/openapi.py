"""OpenAPI 2.0, 3.0 and 3.1 → drafts of APIs: every operation of the description is one, or says why it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from mcp_codegen.errors import CatalogError, Problem, shown
from mcp_codegen.importers import answers, bodies, parameters, servers
from mcp_codegen.importers.coherence import listed
from mcp_codegen.importers.drafts import Description, Draft, LeftOutError, cut
from mcp_codegen.importers.references import DanglingError, Library
from mcp_codegen.importers.report import Note, Spot
from mcp_codegen.importers.schemas import Schemas
from mcp_codegen.importers.security import Schemes
from mcp_codegen.importers.servers import Server

Json = Mapping[str, Any]

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LONGEST_TITLE: Final = 120
_ORDER: Final = ("path", "query", "header", "cookie", "body")


def is_openapi(data: object) -> bool:
    """Whether a document is the root of a description."""
    return isinstance(data, Mapping) and ("openapi" in data or "swagger" in data)


def read(library: Library, catalog: str) -> Description:
    """The description in the main document. catalog: the catalog's name, for environment variables.

    Raises `CatalogError` where it is none.
    """
    root = library.root
    version = _version(library)
    found = Description(server=_server(root, version))
    schemas = Schemas(library, version, found.notes.append)
    reader = _Reader(library, version, schemas, found, catalog)
    info = root.get("info") if isinstance(root.get("info"), Mapping) else {}
    found.title, found.text = _text(info.get("title"), 500), _text(info.get("description"))
    found.version = str(info.get("version") or "")
    found.plain = schemas.plain
    found.drafts = list(reader.drafts())
    schemas.finish()
    found.schemas = schemas.named
    found.notes += [Note(spot, said) for spot, said in library.mended()]
    for word in ("webhooks", "x-webhooks"):
        if isinstance(root.get(word), Mapping) and root[word]:
            said = f"{len(root[word])} webhooks are calls that the upstream makes, and are no APIs"
            found.notes.append(Note(Spot(library.main, (word,)), said))
    return found


def _version(library: Library) -> str:
    root = library.root
    if not isinstance(root, Mapping):
        _refuse(library, (), "this is no OpenAPI description", "name a file that starts with openapi: or swagger:")
    said = str(root.get("openapi", root.get("swagger", "")))
    known = re.match(r"(2\.0|3\.[012])(\.|$)", said) or re.match(r"(2)$", said)
    if not known:
        key = "swagger" if "swagger" in root else "openapi"
        where = (key,) if key in root else ()
        what = f"version {shown(said)} cannot be read" if where else "this is no OpenAPI description"
        _refuse(library, where, what, "OpenAPI 2.0, 3.0 and 3.1 can")
    if not isinstance(root.get("paths"), Mapping):
        if said.startswith(("3.1", "3.2")) and "paths" not in root:
            return "3.1"
        _refuse(library, ("paths",), "there are no paths", "describe the operations under 'paths'")
    return {"2": "2.0", "3.2": "3.1"}.get(known[1], known[1])


def _refuse(library: Library, pointer: tuple[str, ...], message: str, hint: str) -> NoReturn:
    raise CatalogError(library.diagnostics([Problem(pointer, message, hint)]))


def _server(root: Json, version: str) -> Server:
    return servers.of_swagger(root) if version == "2.0" else servers.of_openapi(root.get("servers"))


def _text(value: object, longest: int = 20_000) -> str:
    return cut(value.strip(), longest) if isinstance(value, str) else ""


class _Reader:
    """Walks through the paths of one description."""

    def __init__(self, library: Library, version: str, schemas: Schemas, found: Description, catalog: str) -> None:
        self._library = library
        self._root: Json = library.root
        self._version = version
        self._schemas = schemas
        self._found = found
        self._schemes = Schemes(catalog, self._security_schemes(), found.server)
        found.auth = self._schemes.required(self._root.get("security"), lambda _: None)

    def drafts(self) -> Iterator[Draft]:
        """Every operation, in the description's order."""
        paths = self._root.get("paths") or {}
        for path, node in paths.items():
            if path.startswith("x-"):
                continue
            spot = Spot(self._library.main, ("paths", path))
            try:
                item, place = self._library.resolved(node, spot)
            except DanglingError as error:
                self._tell(spot, f"this path is missing: {error}")
                continue
            if not isinstance(item, Mapping):
                self._tell(spot, "this path describes nothing")
                continue
            beside = {key: one for key, one in node.items() if key != "$ref"} if item is not node else {}
            if beside:
                self._tell(spot, f"beside the path's $ref, {listed(beside)} is read too")
                item = {**item, **beside}
            for method in METHODS:
                if method in item:
                    yield self._draft(method, path, item, place)
            yield from self._others(path, item, place)
            for key in item:
                if key.casefold() in METHODS and key not in METHODS:
                    self._tell(place.of(key), f"{shown(key)} is taken as {key.lower()}")
                    yield self._draft(key, path, item, place)

    def _others(self, path: str, item: Json, place: Spot) -> Iterator[Draft]:
        """The methods that OpenAPI 3.2 adds."""
        more = item.get("additionalOperations")
        added = (
            [(str(method), place.of("additionalOperations", str(method))) for method in more or ()]
            if isinstance(more, Mapping)
            else []
        )
        for method, spot in [*([("QUERY", place.of("query"))] if "query" in item else []), *added]:
            reason = f"{shown(method)} is no HTTP method that a catalog can say"
            yield Draft(f"{method} {path}", spot, reason=reason)

    def _draft(self, key: str, path: str, item: Json, place: Spot) -> Draft:
        node = item[key] if isinstance(item[key], Mapping) else {}
        draft = Draft(f"{key.upper()} {path}", place.of(key))
        before = len(self._found.notes)
        try:
            self._fill(draft, path, item, node, place)
        except LeftOutError as error:
            draft.reason = str(error)
        draft.notes += self._found.notes[before:]
        del self._found.notes[before:]
        return draft

    def _fill(self, draft: Draft, path: str, item: Json, node: Json, place: Spot) -> None:
        method = draft.key.partition(" ")[0]
        wish = node.get("operationId")
        draft.wish = wish if isinstance(wish, str) else ""
        draft.tags = tuple(_tags(node, draft))
        if method == "TRACE":
            raise LeftOutError("TRACE asks for an echo, and is no API")
        draft.server = self._server(item, node)
        draft.auth = self._schemes.required(node.get("security", self._root.get("security")), draft.tell)
        found = self._parameters(item, node, place, draft)
        endpoint, inputs = parameters.inputs(found, path, self._schemas, draft)
        if len(endpoint) > 2_000:  # noqa: PLR2004 - the language's limit
            raise LeftOutError("its path is longer than 2000 characters")
        body = bodies.described(node, found, self._root, draft.spot, self._library)
        with_body = bodies.written(body, method, self._schemas, draft)
        answer = answers.written(
            node, self._root, spot=draft.spot, library=self._library, schemas=self._schemas, draft=draft
        )
        inputs += with_body.pop("inputs", [])
        draft.api = {
            **_words(node, item),
            **({"tags": list(draft.tags)} if draft.tags else {}),
            **({"deprecated": True} if node.get("deprecated") is True else {}),
            "httpMethod": method,
            "endpoint": endpoint if endpoint.startswith("/") else f"/{endpoint}",
            **({"inputs": inputs} if inputs else {}),
            **with_body,
            **answer,
        }
        _example(draft.api)
        if isinstance(node.get("callbacks"), Mapping) and node["callbacks"]:
            draft.tell("its callbacks are calls that the upstream makes, and are no APIs", draft.spot.of("callbacks"))

    def _parameters(self, item: Json, node: Json, place: Spot, draft: Draft) -> list[tuple[Json, Spot]]:
        """Those of the path, overridden by those of the operation."""
        outer = list(parameters.listed(item, place, self._library, draft))
        inner = list(parameters.listed(node, draft.spot, self._library, draft))
        own = {(str(one.get("in")), one["name"]) for one, _ in inner}
        return [(one, spot) for one, spot in outer if (str(one.get("in")), one["name"]) not in own] + inner

    def _server(self, item: Json, node: Json) -> Server:
        if self._version == "2.0":
            return self._found.server
        own = next(
            (one["servers"] for one in (node, item) if isinstance(one.get("servers"), list) and one["servers"]), None
        )
        return self._found.server if own is None else servers.of_openapi(own)

    def _security_schemes(self) -> dict[str, Json]:
        where = ("securityDefinitions",) if self._version == "2.0" else ("components", "securitySchemes")
        node: Any = self._root
        for part in where:
            node = node.get(part) if isinstance(node, Mapping) else None
        schemes = {}
        for name, one in node.items() if isinstance(node, Mapping) else ():
            spot = Spot(self._library.main, (*where, name))
            try:
                found, _ = self._library.resolved(one, spot)
            except DanglingError as error:
                self._tell(spot, f"this security scheme is missing: {error}")
                continue
            if isinstance(found, Mapping):
                schemes[name] = found
        return schemes

    def _tell(self, spot: Spot, said: str) -> None:
        self._found.notes.append(Note(spot, said))


def _tags(node: Json, draft: Draft) -> Iterator[str]:
    given = node.get("tags", [])
    for tag in given if isinstance(given, list) else []:
        if isinstance(tag, str | int | float) and str(tag).strip():
            yield str(tag).strip()[:128]
        else:
            draft.tell("a tag that is no text is ignored", draft.spot.of("tags"))


def _words(node: Json, item: Json) -> dict[str, str]:
    """Title and description: the summary is the title where there is a description too."""
    summary = _text(node.get("summary")) or _text(item.get("summary"))
    description = _text(node.get("description")) or _text(item.get("description"))
    if not description or description == summary:
        return {"description": summary or description} if summary or description else {}
    return {**({"title": cut(summary, _LONGEST_TITLE)} if summary else {}), "description": description}


def _example(api: dict[str, Any]) -> None:
    """Put the examples of body and answer together; only a whole one is one."""
    output = api.pop("x-example", None)
    inputs = api.get("inputs", [])
    if output is None:
        return
    first = {
        name: min((one["in"] for one in inputs if one["name"] == name), key=_ORDER.index)
        for name in {i["name"] for i in inputs}
    }
    given: dict[str, Any] = {}
    for one in inputs:
        label = one["name"] if one["in"] == first[one["name"]] else f"{one['name']}_{one['in']}"
        if "example" in one:
            given[label] = one["example"]
        elif one.get("required") is not False and "default" not in one:
            return
    body = api.get("body")
    if body is not None:
        if "example" in body:
            given["body" if "body" not in given else "body_"] = body["example"]
        elif body.get("required") is not False:
            return
    api["examples"] = [{**({"inputs": given} if given else {}), "output": output}]
