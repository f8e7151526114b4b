"""A curl command → one more API in a catalog that a person keeps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp_codegen import editing, names, pipeline
from mcp_codegen.catalog import Gateway, NoAuth
from mcp_codegen.checked import DEFAULT_GATEWAYS, CheckedCatalog
from mcp_codegen.errors import CatalogError, SettingsError, shown
from mcp_codegen.importers import curl_import, naming, servers
from mcp_codegen.importers.assembling import Settings, assembled
from mcp_codegen.importers.drafts import Description, Draft, ordered
from mcp_codegen.importers.servers import Server
from mcp_codegen.source import Source

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
SERVER: Final = "x-server"
"""Where a gateway that was added with an API is: the next command for the same server goes through it too."""


@dataclass(frozen=True, slots=True)
class Added:
    """A catalog with an API more."""

    read: Source
    names: tuple[str, ...]
    notes: tuple[str, ...]


def add(read: Source, file: Path, command: str, *, name: str = "", gateway: str = "") -> Added:
    """The catalog with an API for each curl command. Raises `CatalogError`, or `SettingsError` that says why not."""
    found = curl_import.read(command, "the command", pipeline.understand(read, file).catalog.catalog.name)
    if name and len(found.drafts) > 1:
        raise SettingsError("there are several commands, and one name for them; add them one by one, or without --name")
    made: list[str] = []
    notes: list[str] = []
    for index in range(len(found.drafts)):
        one = _added(read, file, (command, index), name, gateway)
        read = one.read
        made += one.names
        notes += one.notes
    return Added(read, tuple(made), tuple(dict.fromkeys(notes)))


def _added(read: Source, file: Path, command: tuple[str, int], name: str, gateway: str) -> Added:
    whole = pipeline.understand(read, file).catalog
    draft = _draft(command, whole, gateway)
    imported = assembled(Description(server=draft.server, drafts=[draft]), Settings(name=whole.catalog.name))
    if draft.reason:
        raise SettingsError(f"{draft.spot.document}: this cannot become an API: {draft.reason}")
    (api,) = imported.catalog["apis"]
    api.pop("active")
    api["name"] = _name(api, name, whole)
    placed = _placed(read, whole, api, draft, gateway)
    pointer = () if isinstance(read.data, list) else ("apis",)
    result = editing.appended(placed, pointer, ordered(api))
    try:
        pipeline.understand(result, file)
    except CatalogError as error:
        said = "; ".join(f"{one.pointer}: {one.message}" for one in error.diagnostics)
        raise SettingsError(f"the command cannot be added, and nothing was changed: {said}") from error
    told = [note.said for note in draft.notes] + list(_settings(placed, read, draft)) + list(_twins(api, whole))
    return Added(result, (api["name"],), tuple(told))


def _draft(command: tuple[str, int], whole: CheckedCatalog, gateway: str) -> Draft:
    """The command's API. Its variables are named after its server: no other server's secrets are sent there."""
    text, index = command
    server = curl_import.read(text, "the command", whole.catalog.name).drafts[index].server
    return curl_import.read(text, "the command", f"{whole.catalog.name}-{gateway or _called(server)}").drafts[index]


def _called(server: Server) -> str:
    return naming.gateway_name(server.host.partition("://")[2] or "api")


# --- names ---------------------------------------------------------------------------------------------


def _name(api: Mapping[str, Any], wish: str, whole: CheckedCatalog) -> str:
    """The name that a person wishes, else one from method and path; with a hash of the API where that is taken."""
    taken = {names.snake_case(one.api.name): one.api.name for one in whole.operations}
    if wish:
        if names.snake_case(wish) in taken:
            there = taken[names.snake_case(wish)]
            raise SettingsError(f"there is an API called {shown(there)} already; choose another --name")
        return wish
    name: str = api["name"]
    if names.snake_case(name) not in taken:
        return name
    digest = hashlib.sha256(json.dumps(api, sort_keys=True).encode()).hexdigest()[: names.HASH_LENGTH]
    other = f"{name[: 63 - names.HASH_LENGTH]}_{digest}"
    if names.snake_case(other) in taken:
        raise SettingsError(f"{shown(name)} stands in the catalog already; to have it twice, choose a --name")
    return other


def _twins(api: Mapping[str, Any], whole: CheckedCatalog) -> Iterator[str]:
    """What is there already is seldom meant to be there twice."""
    wanted = (api["httpMethod"], _PLACEHOLDER.sub("{}", api["endpoint"]), api.get("gateway", ""))
    for one in whole.operations:
        endpoint = one.base_url + one.path
        if (one.method, _PLACEHOLDER.sub("{}", endpoint), one.gateway) == wanted:
            yield f"{shown(one.api.name)} sends {one.method} {shown(endpoint)} already; remove one of them"


# --- gateways ------------------------------------------------------------------------------------------


def _placed(read: Source, whole: CheckedCatalog, api: dict[str, Any], draft: Draft, wish: str) -> Source:
    """The catalog with the gateway that the API needs, and the API with its name, path and credentials."""
    api.pop("gateway", None)
    api.pop("auth", None)
    auth = draft.auth[0] if len(draft.auth) == 1 else list(draft.auth)
    found = wish or _known(read, whole, draft)
    if found:
        if found not in whole.gateways:
            known = ", ".join(whole.gateways)
            raise SettingsError(f"there is no gateway {shown(found)}; take one of {known}, or leave --gateway out")
        _go_through(found, whole.gateways[found], api, draft, auth)
        return read
    if isinstance(read.data, list) or _counts_on_one(whole):
        api |= {"endpoint": f"{draft.server.host or 'https://example.com'}{api['endpoint']}"}
        api |= {"auth": auth} if draft.auth else {}
        return read
    name = _free(_called(draft.server), whole)
    written = servers.gateway(draft.server, whole.catalog.name, name)
    about = {SERVER: draft.server.host} if draft.server.host else {}
    gateway = {"baseUrl": written["baseUrl"], **({"auth": auth} if draft.auth else {}), **about}
    api["gateway"] = name
    return _with_gateway(read, whole, name, gateway)


def _counts_on_one(whole: CheckedCatalog) -> bool:
    """Whether another gateway would change where APIs go that do not name theirs."""
    silent = any(one.gateway and one.api.gateway is None for one in whole.operations)
    return silent and whole.catalog.gateways is not None and len(whole.gateways) == 1


def _known(read: Source, whole: CheckedCatalog, draft: Draft) -> str:
    """A gateway that is known to stand for the command's server."""
    written = read.data.get("gateways", {}) if isinstance(read.data, dict) else {}
    for name, gateway in whole.gateways.items():
        server = written.get(name, {}).get(SERVER)
        base = servers.of_url(gateway.base_url)
        if (
            draft.server.host
            and draft.server.host in (server, base.host)
            and draft.api["endpoint"].startswith(base.prefix)
        ):
            return name
    return ""


def _go_through(name: str, gateway: Gateway, api: dict[str, Any], draft: Draft, auth: object) -> None:
    api["gateway"] = name
    prefix = servers.of_url(gateway.base_url.replace("${", "https://").replace("}", ".x", 1)).prefix
    if prefix and api["endpoint"].startswith(f"{prefix}/"):
        api["endpoint"] = api["endpoint"].removeprefix(prefix)
    asked = [one.type for one in gateway.auth if not isinstance(one, NoAuth)]
    if draft.auth and asked != [one["type"] for one in draft.auth]:
        api["auth"] = auth


def _with_gateway(read: Source, whole: CheckedCatalog, name: str, gateway: Mapping[str, Any]) -> Source:
    if "gateways" in read.data:
        return editing.appended(read, ("gateways",), gateway, name)
    used = {one.gateway for one in whole.operations}
    kept = {
        known: one.model_dump(by_alias=True, exclude_defaults=True)
        for known, one in DEFAULT_GATEWAYS.items()
        if known in used
    }
    return editing.appended(read, (), {**kept, name: gateway}, "gateways")


def _free(wish: str, whole: CheckedCatalog) -> str:
    taken = {name.casefold() for name in whole.gateways}
    choices = [wish, *(f"{wish[:36]}-{number}" for number in range(2, len(taken) + 3))]
    return next(choice for choice in choices if choice.casefold() not in taken)


def _settings(after: Source, before: Source, draft: Draft) -> Iterator[str]:
    """What the environment has to say for a gateway that is new."""
    if after is before or not draft.server.host:
        return
    new = list(after.data["gateways"].values())[-1]
    variable = str(new["baseUrl"]).partition("}")[0].removeprefix("${")
    yield f"set {variable} to {draft.server.host}"
