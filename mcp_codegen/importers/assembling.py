"""Drafts → a catalog: which of them, under which names, through which gateways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mcp_codegen.errors import shown
from mcp_codegen.importers import naming, paging, selecting, servers, tmf630
from mcp_codegen.importers.drafts import Description, Draft, ordered
from mcp_codegen.importers.report import Entry, Note, Report, Spot
from mcp_codegen.importers.servers import Server

PRESETS: Final = ("tmf630",)


@dataclass(frozen=True, slots=True)
class Gateways:
    """Gateways that a person set, in place of the description's servers and security."""

    gateways: Mapping[str, Any]
    default: str
    """The one that APIs go through."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is imported, and how."""

    name: str
    """The catalog's."""
    gateways: Gateways | None = None
    preset: str = ""
    select: tuple[selecting.Pattern, ...] = ()
    exclude: tuple[selecting.Pattern, ...] = ()
    active: bool = True
    """Whether new APIs are."""


@dataclass(slots=True)
class Imported:
    """A catalog, and what became of every operation."""

    catalog: dict[str, Any]
    report: Report
    operations: frozenset[str] = field(default_factory=frozenset)
    """The keys of all operations that the description has, chosen or not."""


def assembled(found: Description, settings: Settings) -> Imported:
    """The catalog of a description's operations."""
    report = Report(notes=list(found.notes))
    called = naming.api_names([naming.Called(draft.key, draft.wish) for draft in found.drafts])
    kept: list[tuple[str, Draft]] = []
    for name, draft in zip(called, found.drafts, strict=True):
        entry = Entry(draft.key, draft.spot, notes=draft.notes)
        report.entries.append(entry)
        if not selecting.is_chosen(draft, name, settings.select, settings.exclude):
            entry.outcome = "not selected"
        elif draft.reason:
            entry.outcome, entry.reason = "left out", draft.reason
        else:
            entry.name = name
            if draft.wish and name != naming.usable(draft.wish):
                draft.tell(f"it is called {name}: {shown(draft.wish)} is taken, or cannot be a name")
            kept.append((name, draft))
    for pattern in selecting.idle(list(zip(called, found.drafts, strict=True)), settings.select + settings.exclude):
        report.notes.append(Note(_start(report), f"no operation fits the pattern {shown(pattern)}"))
    if not settings.preset and tmf630.fits(draft for _, draft in kept):
        said = "this looks like an API of TM Forum: --preset tmf630 adds the filters that its servers take"
        report.hints.append(f"{said}, and makes its callbacks inactive")
    placed = _Placed(found, settings, [draft for draft in found.drafts if not draft.reason], report)
    apis = [_api(name, draft, placed, settings, found) for name, draft in kept]
    catalog: dict[str, Any] = {
        "name": settings.name,
        **({"title": found.title} if found.title else {}),
        **({"description": found.text} if found.text else {}),
        "gateways": placed.gateways(draft for _, draft in kept),
        "schemas": {},
        "apis": apis,
    }
    catalog["schemas"] = reachable(apis, found.schemas)
    return Imported(catalog, report, frozenset(draft.key for draft in found.drafts))


def _start(report: Report) -> Spot:
    """Where what is said about the description as a whole stands."""
    return Spot(report.entries[0].spot.document if report.entries else "")


def _api(name: str, draft: Draft, placed: _Placed, settings: Settings, found: Description) -> dict[str, Any]:
    api: dict[str, Any] = {"name": name, **draft.api, "active": settings.active}
    if settings.preset == "tmf630":
        tmf630.adapt(api, draft, found.plain)
    api |= placed.place(draft)
    _without_credentials(api, placed.auth_of(api), draft)
    if "pagination" not in api:
        api |= paging.policy(api, draft, found.plain)
    return ordered(api)


def _without_credentials(api: dict[str, Any], auths: Sequence[Mapping[str, Any]], draft: Draft) -> None:
    """Credentials are the server's to send, never an input."""
    taken = {(one["in"], one["name"].lower()) for one in auths if one.get("type") == "apiKey"}
    kept = [one for one in api.get("inputs", []) if (one["in"], one["name"].lower()) not in taken]
    if len(kept) < len(api.get("inputs", [])):
        draft.tell("the parameter that carries the credential is no input: the server adds it")
        api.pop("inputs")
        api |= {"inputs": kept} if kept else {}
        for example in api.get("examples", []):
            example["inputs"] = {
                k: v for k, v in example.get("inputs", {}).items() if k in {one["name"] for one in kept}
            }


class _Placed:
    """Which gateway each operation goes through, and what it asks for."""

    def __init__(self, found: Description, settings: Settings, drafts: Sequence[Draft], report: Report) -> None:
        self._given = settings.gateways
        self._catalog = settings.name
        self._names: dict[Server, str] = {}
        self._auths: dict[str, tuple[dict[str, Any], ...]] = {}
        if self._given is not None:
            if found.server.prefix:
                said = (
                    f"the description's paths stand behind {found.server.prefix}: the gateway's baseUrl has to say so"
                )
                report.notes.append(Note(_start(report), said))
            return
        for draft in drafts:
            self._add(draft.server)
        for server, name in self._names.items():
            asked = [draft.auth for draft in drafts if draft.server == server]
            self._auths[name] = found.auth if found.auth in asked and found.auth else _shared(asked)

    def place(self, draft: Draft) -> dict[str, Any]:
        """The keys of an API that say where it lives."""
        if self._given is not None:
            return {"gateway": self._given.default}
        name = self._names[draft.server]
        written: dict[str, Any] = {"gateway": name}
        if draft.auth != self._auths[name]:
            written["auth"] = "none" if not draft.auth else draft.auth[0] if len(draft.auth) == 1 else list(draft.auth)
        return written

    def auth_of(self, api: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """What the API asks for in the end."""
        asked = api.get("auth")
        if asked is None and self._given is not None:
            asked = self._given.gateways.get(self._given.default, {}).get("auth")
        elif asked is None:
            asked = list(self._auths[api["gateway"]])
        listed = asked if isinstance(asked, list) else [asked]
        return [one for one in listed if isinstance(one, Mapping)]

    def gateways(self, drafts: Iterable[Draft]) -> dict[str, Any]:
        """The gateways that the APIs use."""
        if self._given is not None:
            return dict(self._given.gateways)
        used = {self._names[draft.server] for draft in drafts}
        written = {}
        for server, name in self._names.items():
            if name in used:
                auth = self._auths[name]
                one = servers.gateway(server, self._catalog, name)
                asked = {"auth": auth[0] if len(auth) == 1 else list(auth)} if auth else {}
                written[name] = {"baseUrl": one["baseUrl"], **asked, "description": one["description"]}
        return written

    def _add(self, server: Server) -> None:
        if server in self._names:
            return
        if not self._names:
            self._names[server] = naming.gateway_name(self._catalog)
            return
        wish = naming.gateway_name(f"{server.host.partition('://')[2] or self._catalog}{server.prefix}")
        taken = {name.casefold() for name in self._names.values()}
        number = 2
        name = wish
        while name.casefold() in taken:
            name = f"{wish[:36]}-{number}"
            number += 1
        self._names[server] = name


def _shared(asked: Sequence[tuple[dict[str, Any], ...]]) -> tuple[dict[str, Any], ...]:
    """What most operations ask for; of equals, what comes first."""
    return max(asked, key=lambda one: sum(one == other for other in asked))


def reachable(apis: Sequence[Mapping[str, Any]], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that APIs need, in the description's order; mappings name no others."""
    found: dict[str, None] = {}
    waiting = list(references(apis))
    while waiting:
        name = waiting.pop()
        if name in schemas and name not in found:
            found[name] = None
            waiting += references(schemas[name])
    return {name: _with_known_mappings(schema, found) for name, schema in schemas.items() if name in found}


def references(node: Any) -> Iterable[str]:  # noqa: ANN401 - JSON
    """The names of the schemas that a value refers to."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            reference = one.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/schemas/"):
                yield reference.removeprefix("#/schemas/").replace("~1", "/").replace("~0", "~")
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _with_known_mappings(schema: Any, known: Mapping[str, None]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        return [_with_known_mappings(one, known) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    written = {key: _with_known_mappings(value, known) for key, value in schema.items()}
    about = written.get("discriminator")
    if isinstance(about, dict) and isinstance(about.get("mapping"), dict) and "properties" not in about:
        mapping = {key: ref for key, ref in about["mapping"].items() if str(ref).removeprefix("#/schemas/") in known}
        rest = {key: value for key, value in about.items() if key != "mapping"}
        written["discriminator"] = rest | ({"mapping": mapping} if mapping else {})
    return written
