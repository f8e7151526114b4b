"""What keys say about each other: names that resolve, paths that are complete, examples that fit.

Each rule yields a `Problem` for each thing that breaks it; what the language knows and the generator cannot render is
refused here as well, never rendered wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from mcp_codegen import hosts, paging, policies
from mcp_codegen.catalog import ApiKey, Gateway, NoAuth, OAuth2ClientCredentials
from mcp_codegen.checked import DIRECT, CheckedCatalog, Operation, Parameter, is_json
from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.fitting import unfit
from mcp_codegen.listing import Listing
from mcp_codegen.schema import Schema, json_schema
from mcp_codegen.validation import nearest

Rule = Callable[[CheckedCatalog], Iterator[Problem]]

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_VARIABLE: Final = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
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
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_LAST_PORT: Final = 65535
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_GATEWAY_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def check(catalog: CheckedCatalog) -> list[Problem]:
    """Everything that is wrong between keys, in no particular order."""
    return [*catalog.problems, *(problem for rule in RULES for problem in rule(catalog))]


def notices(catalog: CheckedCatalog, listing: Listing) -> list[Problem]:
    """What is not wrong, and worth a word."""
    ignored = [
        Problem((*one.pointer, "pythonExample"), "this key is ignored", "remove it when you like", at_key=True)
        for one in catalog.operations
        if one.api.python_example is not None
    ]
    return [*ignored, *paging.notices(catalog), *hosts.notices(catalog, listing)]


# --- the catalog as a whole ----------------------------------------------------------------------------


def _apis_exist(catalog: CheckedCatalog) -> Iterator[Problem]:
    if not any(api.active for api in catalog.catalog.apis):
        yield Problem(("apis",), "no API is active", 'add one, or set "active": true')


def _names_are_single(catalog: CheckedCatalog) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, one in enumerate(catalog.operations):
        name = one.api.name
        if not name.isprintable() or name != name.strip():
            hint = "use printable characters, and no blanks around them"
            yield Problem((*one.pointer, "name"), f"{shown(name)} cannot be a name", hint)
        if first.setdefault(name, index) != index:
            yield Problem((*one.pointer, "name"), f"an API above is called {shown(name)} too", "rename one of them")


def _schemas_end(catalog: CheckedCatalog) -> Iterator[Problem]:
    for name, schema in catalog.schemas.items():
        seen, target = {name}, _stands_for(schema)
        while target and target not in seen:
            seen.add(target)
            target = _stands_for(catalog.schemas[target])
        if target:
            yield Problem(("schemas", name), "this is nothing but itself", "describe a value")


def _stands_for(schema: Schema) -> str:
    """The schema that this one needs before it can be written down; objects need none."""
    if schema.kind == "ref":
        return schema.ref
    inner = schema.items or schema.values
    return _stands_for(inner) if inner else ""


# --- gateways ------------------------------------------------------------------------------------------


def _gateways_work(catalog: CheckedCatalog) -> Iterator[Problem]:
    constants: dict[str, str] = {}
    for name, gateway in catalog.gateways.items():
        where: Pointer = ("gateways", name)
        if not _GATEWAY_NAME.fullmatch(name):
            yield Problem(
                where, f"{shown(name)} cannot be a gateway's name", "use letters, digits, '-' and '_'", at_key=True
            )
        folded = name.casefold().replace("-", "_")
        if constants.setdefault(folded, name) != name:
            yield Problem(
                where, f"{shown(name)} and {shown(constants[folded])} are too alike", "rename one", at_key=True
            )
        yield from _base_url(gateway.base_url, (*where, "baseUrl"))
        yield from _auths(gateway.auth, (*where, "auth"))


def _base_url(url: str, pointer: Pointer) -> Iterator[Problem]:
    """What is wrong is said without the URL: a credential may stand in it."""
    filled = _VARIABLE.sub("0", url)  # what a host and a port may both hold
    if "$" in filled or "{" in filled:
        yield Problem(pointer, "a variable is not written as one", "write it as ${NAME}, in capitals")
        return
    scheme, _, rest = (f"https://{filled}" if url.startswith("${") else filled).partition("://")
    host, _, path = rest.partition("/")
    if "@" in host:
        hint = "use an auth of type basic; secrets stay in the environment"
        yield Problem(pointer, "a user or a password stands in the URL", hint)
    elif "?" in rest or "#" in rest:
        yield Problem(pointer, "a base URL has no query and no fragment", "keep the part before '?' and '#'")
    elif scheme.lower() not in ("http", "https") or not _is_host(host):
        hint = "write ${VARIABLE}, or a URL such as https://api.example.com/v1"
        yield Problem(pointer, "this is not an http(s) URL with a host", hint)
    elif not _PATH.fullmatch(f"/{path}"):
        yield Problem(pointer, "the path holds characters that a URL cannot have", "percent-encode them")


def _is_host(host: str) -> bool:
    name, _, port = host.rpartition(":") if re.search(r":\d*$", host) else (host, "", "0")
    return _HOST.fullmatch(name) is not None and len(port) <= 5 and int(port or 0) <= _LAST_PORT  # noqa: PLR2004


def _auths(auths: Sequence[object], pointer: Pointer) -> Iterator[Problem]:
    """Several are needed together, so no two may want the same place."""
    taken: set[str] = set()
    for index, auth in enumerate(auths):
        place = f"{auth.in_} {auth.name.lower()}" if isinstance(auth, ApiKey) else "header authorization"
        if isinstance(auth, NoAuth) and len(auths) > 1:
            yield Problem((*pointer, index), "'none' stands beside others", "remove it, or the others")
        elif place in taken:
            yield Problem((*pointer, index), "two credentials stand in the same place", "keep one")
        taken.add(place)
        if isinstance(auth, OAuth2ClientCredentials):
            yield from _base_url(auth.token_url, (*pointer, "tokenUrl"))


# --- one API -------------------------------------------------------------------------------------------


def _apis_are_whole(catalog: CheckedCatalog) -> Iterator[Problem]:
    for one in catalog.operations:
        yield from _gateway_exists(one, catalog.gateways)
        yield from _endpoint(one)
        yield from _method(one)
        yield from _hints(one)
        if one.api.auth is not None:
            yield from _auths(one.api.auth, (*one.pointer, "auth"))
        if one.api.outputs is not None and one.api.output is not None:
            yield Problem(
                (*one.pointer, "output"), "'outputs' and 'output' describe the same answer", "keep one", at_key=True
            )
        if one.api.active:
            yield from _parameters(one, catalog)


def _gateway_exists(one: Operation, gateways: Mapping[str, Gateway]) -> Iterator[Problem]:
    if one.base_url:
        if one.api.gateway is not None:
            said = "an absolute endpoint goes through no gateway"
            yield Problem((*one.pointer, "gateway"), said, "keep the path and the gateway, or the URL alone")
        yield from _base_url(one.base_url, (*one.pointer, "endpoint"))
        return
    if one.gateway in gateways:
        return
    if one.api.gateway is not None:
        hint = nearest(one.gateway, gateways) if gateways else "define it under 'gateways'"
        yield Problem((*one.pointer, "gateway"), f"there is no gateway {shown(one.gateway)}", hint)
    elif one.api.use_apim_gateway is not None:
        key = (*one.pointer, "useApimGateway")
        yield Problem(key, f"there is no gateway {shown(one.gateway)}", "define it, or name another with 'gateway'")
    else:
        said = f"this names no gateway, and there is none called {shown(DIRECT)}"
        add = f"add the key 'gateway' and {nearest('', gateways)}"
        yield Problem(one.pointer, said, add if gateways else "define one under 'gateways'")


def _endpoint(one: Operation) -> Iterator[Problem]:
    where, path = (*one.pointer, "endpoint"), one.path
    filled = _PLACEHOLDER.sub("x", path)
    if "?" in filled or "#" in filled:
        yield Problem(where, "an endpoint is a path without '?' or '#'", "make each query parameter an input")
    elif not path.startswith("/"):
        yield Problem(where, f"{shown(path)} is neither a path nor a URL", "start it with '/' or 'https://'")
    elif "{" in filled or "}" in filled or "" in one.placeholders:
        yield Problem(where, f"the braces of {shown(path)} do not match", "write placeholders as {name}")
    elif not _PATH.fullmatch(filled) or not path.isprintable():
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


# --- inputs --------------------------------------------------------------------------------------------


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


# --- examples ------------------------------------------------------------------------------------------


def _examples_fit(catalog: CheckedCatalog) -> Iterator[Problem]:
    if catalog.problems:
        return
    defs = {
        direction: {name: json_schema(schema, direction, _key) for name, schema in catalog.schemas.items()}
        for direction in ("input", "output")
    }
    for one in catalog.operations:
        known = {parameter.label: parameter for parameter in one.parameters}
        for index, example in enumerate(one.api.examples):
            where = (*one.pointer, "examples", index)
            for name, value in example.inputs.items():
                if name not in known:
                    hint = nearest(name, known)
                    yield Problem((*where, "inputs", name), f"there is no input {shown(name)}", hint, at_key=True)
                else:
                    schema = json_schema(known[name].schema, "input", _key)
                    yield from unfit(value, schema | _defs(defs["input"]), (*where, "inputs", name))
            for name, parameter in known.items():
                if parameter.required and name not in example.inputs:
                    yield Problem((*where, "inputs"), f"the input {shown(name)} is missing", "add it")
            if one.answer is not None and "output" in example.model_fields_set:
                schema = json_schema(one.answer, "output", _key)
                yield from unfit(example.output, schema | _defs(defs["output"]), (*where, "output"))


def _defs(schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {"$defs": schemas}


def _key(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")


RULES: Final[tuple[Rule, ...]] = (
    _apis_exist,
    _names_are_single,
    _schemas_end,
    _gateways_work,
    _apis_are_whole,
    paging.check,
    policies.check,
    _examples_fit,
)
