"""Importing again: the description's changes come in, a person's edits stay.

Beside every API stands what the importer wrote, as short hashes (`x-imported`). A value that still has its hash is the
importer's to change; any other is a person's, and stays. Inputs are compared one by one, their words apart from their
types, so that an edited description survives a changed type.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mcp_codegen.importers import naming, paging
from mcp_codegen.importers.assembling import Gateways, Imported, reachable
from mcp_codegen.importers.drafts import ordered
from mcp_codegen.importers.report import Entry, Note

Json = Mapping[str, Any]

MARK: Final = "x-imported"
VANISHED: Final = "x-vanished"
_PERSONAL: Final = frozenset({"active", MARK, VANISHED})
_WORDS: Final = frozenset({"title", "description", "example", "deprecated"})
_ABOUT: Final = ("title", "description", "version")


def fresh(imported: Imported, source: str, *, given_gateways: bool = False, preset: str = "") -> dict[str, Any]:
    """The catalog of a first import, with what is needed to import again. source: the description's file name."""
    keys = _keys(imported)
    about: dict[str, Any] = {"from": source}
    if preset:
        about["preset"] = preset
    if given_gateways and imported.catalog["apis"]:
        about["gateway"] = imported.catalog["apis"][0].get("gateway", "")
    about["was"] = {key: _hash(imported.catalog[key]) for key in _ABOUT if key in imported.catalog}
    about["schemas"] = {name: _hash(schema) for name, schema in imported.catalog["schemas"].items()}
    apis = [_marked(api, keys[api["name"]]) for api in imported.catalog["apis"]]
    return _catalog({**imported.catalog, "apis": apis, MARK: about})


def remembered(catalog: Json) -> tuple[Gateways | None, str]:
    """The gateways and the preset that a catalog was imported with."""
    about = catalog.get(MARK)
    about = about if isinstance(about, Mapping) else {}
    gateway, gateways = about.get("gateway"), catalog.get("gateways")
    preset = about.get("preset")
    said = preset if isinstance(preset, str) else ""
    if isinstance(gateway, str) and isinstance(gateways, Mapping) and gateway in gateways:
        return Gateways(gateways, gateway), said
    return None, said


def have_nothing_in_common(mine: Json, imported: Imported) -> bool:
    """Whether a catalog was imported from another description altogether."""
    keys = {_operation(api) for api in _apis(mine)} - {""}
    coming = _keys(imported)
    return bool(keys) and not (keys & imported.operations) and not _moved(mine, coming, imported.operations)


def merged(mine: Json, imported: Imported, theirs: Json) -> dict[str, Any]:
    """The catalog as a person left it, brought up to date. theirs: the catalog as `fresh` makes it.

    Fills in what changed in the report of `imported`.
    """
    report = imported.report
    entries = {entry.key: entry for entry in report.entries}
    coming = {_operation(api): dict(api) for api in _apis(theirs)}
    moved = _moved(mine, _keys(imported), imported.operations)
    apis: list[dict[str, Any]] = []
    for api in _apis(mine):
        key = moved.get(_operation(api), _operation(api))
        if key in coming:
            one = coming.pop(key)
            joined = _api(api, one, report.kept)
            entries[key].name = joined["name"]
            entries[key].change = "same" if joined == dict(api) else "changed"
            if key != _operation(api):
                entries[key].notes.append(Note(entries[key].spot, f"it was {_operation(api)} before"))
            apis.append(joined)
        elif not key or key in imported.operations:  # a person's own, or one that was not chosen or could not come
            apis.append(dict(api))
        else:
            apis.append(ordered({**api, "active": False, VANISHED: True}))
            report.vanished.append(str(api["name"]))
    taken = {str(api.get("name")) for api in apis}
    for key, one in coming.items():
        entries[key].change = "new"
        apis.append(_renamed(one, taken, entries[key]))
        taken.add(apis[-1]["name"])
    schemas = _schemas(mine, theirs, apis, report.kept)
    gateways = _gateways(mine, theirs, apis)
    catalog = {**_about(mine, theirs, report.kept), "gateways": gateways, "schemas": schemas, "apis": apis}
    catalog[MARK] = {**theirs[MARK], "schemas": {k: v for k, v in theirs[MARK]["schemas"].items() if k in schemas}}
    if not gateways and "gateways" not in mine:
        catalog.pop("gateways")
    return _catalog(catalog)


def _moved(mine: Json, coming: Mapping[str, str], known: frozenset[str]) -> dict[str, str]:
    """Operations that went to another path, by what they were: their method and their own name stayed.

    coming: the operations of the names that the importer gives. known: every operation of the description.
    """
    there = {_operation(api) for api in _apis(mine)}
    new = {_hash(name): key for name, key in coming.items() if key not in there}
    moved: dict[str, str] = {}
    for api in _apis(mine):
        key, name = _operation(api), str(_was(api).get("name", ""))
        if key and key not in known and name in new and _method(new[name]) == _method(key):
            moved[key] = new.pop(name)
    return moved


def _method(key: str) -> str:
    return key.partition(" ")[0]


# --- one API -------------------------------------------------------------------------------------------


def _api(mine: Json, theirs: Json, kept: list[str]) -> dict[str, Any]:
    was = _was(mine)
    joined = {key: value for key, value in mine.items() if key in _PERSONAL - {MARK, VANISHED}}
    name = str(mine.get("name"))
    for key in dict.fromkeys([*mine, *theirs]):
        if key in _PERSONAL:
            continue
        if key == "inputs":
            if inputs := _inputs(mine, theirs, was, kept):
                joined[key] = inputs
            continue
        value = _value(key, mine, theirs, was, (f"{name}: {key}", kept))
        if value is not None:
            joined[key] = value[0]
    policy = joined.get("pagination")
    if policy is not None and policy == theirs.get("pagination"):
        names = [str(one.get("name")) for one in joined.get("inputs", []) if isinstance(one, Mapping)]
        if not paging.fits(policy, names):  # a person took out what it needs
            del joined["pagination"]
    if mine.get(VANISHED):  # it is there again
        joined["active"] = theirs.get("active", True)
    return ordered({**joined, MARK: theirs[MARK]})


def _value(key: str, mine: Json, theirs: Json, was: Json, told: tuple[str, list[str]]) -> tuple[Any] | None:
    """The one of two values that counts, in a tuple; None where the key goes."""
    if _found(key, mine) == was.get(key, ""):  # as it was imported
        return (theirs[key],) if key in theirs else None
    if _found(key, theirs) not in (was.get(key, ""), _found(key, mine)):
        what, kept = told
        kept.append(f"{what}: edited here, and changed in the description")
    return (mine[key],) if key in mine else None


def _inputs(mine: Json, theirs: Json, was: Json, kept: list[str]) -> list[dict[str, Any]]:
    before = _object(was, "inputs")
    own = {_identity(one): one for one in mine.get("inputs", []) if isinstance(one, Mapping)}
    new = {_identity(one): one for one in theirs.get("inputs", [])}
    joined = []
    for identity in dict.fromkeys([*new, *own]):
        what = f"{mine.get('name')}: input {identity}"
        words, kind = [*str(before.get(identity, "")).split(" "), "", ""][:2]
        if identity not in own:
            if identity not in before:
                joined.append(dict(new[identity]))
            continue  # a person took it out
        if identity not in new:
            is_edited = (words, kind) != _input_hashes(own[identity])
            if identity not in before or (is_edited and own[identity].get("in") != "path"):
                joined.append(dict(own[identity]))
            continue  # the description no longer has it, and a path no longer its place
        one: dict[str, Any] = {}
        for part, hashed in ((True, words), (False, kind)):
            a, b = _part(own[identity], words=part), _part(new[identity], words=part)
            edited = _hash(a) != hashed
            if edited and _hash(b) not in (hashed, _hash(a)):
                kept.append(f"{what}: edited here, and changed in the description")
            one |= a if edited else b
        joined.append(_as_written(one, own[identity], new[identity]))
    return joined


def _as_written(one: dict[str, Any], mine: Json, theirs: Json) -> dict[str, Any]:
    """The keys in the order of the one that has them."""
    order = list(dict.fromkeys([*(theirs if one.keys() <= theirs.keys() else mine), *one]))
    return {key: one[key] for key in order if key in one}


def _part(one: Json, *, words: bool) -> dict[str, Any]:
    return {key: value for key, value in one.items() if (key in _WORDS) == words}


def _identity(one: Json) -> str:
    return f"{one.get('in', '')} {one.get('name', '')}".strip()


def _input_hashes(one: Json) -> tuple[str, str]:
    return _hash(_part(one, words=True)), _hash(_part(one, words=False))


def _marked(api: Json, key: str) -> dict[str, Any]:
    was: dict[str, Any] = {name: _hash(value) for name, value in api.items() if name not in _PERSONAL | {"inputs"}}
    if "inputs" in api:
        was["inputs"] = {_identity(one): " ".join(_input_hashes(one)) for one in api["inputs"]}
    return ordered({**api, MARK: {"operation": key, "was": was}})


def _renamed(api: dict[str, Any], taken: set[str], entry: Entry) -> dict[str, Any]:
    """A new API whose name a person gave to another."""
    if api["name"] in taken:
        name = naming.from_path(entry.key)
        api = {**api, "name": name if name not in taken else f"{name[:57]}_{_hash(entry.key)[:6]}"}
        entry.name = api["name"]
    return api


# --- what APIs share -----------------------------------------------------------------------------------


def _schemas(mine: Json, theirs: Json, apis: list[dict[str, Any]], kept: list[str]) -> dict[str, Any]:
    """The schemas that are needed, and a person's own."""
    about = mine.get(MARK)
    was = about.get("schemas", {}) if isinstance(about, Mapping) else {}
    own = _object(mine, "schemas")
    joined: dict[str, Any] = {}
    for name in dict.fromkeys([*own, *theirs["schemas"]]):
        value = _value(name, own, theirs["schemas"], was, (f"schemas: {name}", kept))
        if value is not None:
            joined[name] = value[0]
        elif name in own:  # vanished APIs, and those that were not chosen, may need it still
            joined[name] = own[name]
    needed = reachable(apis, joined)
    return {name: schema for name, schema in joined.items() if name in needed or name not in was}


def _gateways(mine: Json, theirs: Json, apis: list[dict[str, Any]]) -> dict[str, Any]:
    """A person's gateways as they are, and those that only new APIs need."""
    own = _object(mine, "gateways")
    used = {api.get("gateway") for api in apis}
    return {**own, **{name: one for name, one in theirs["gateways"].items() if name not in own and name in used}}


def _about(mine: Json, theirs: Json, kept: list[str]) -> dict[str, Any]:
    about = mine.get(MARK)
    was = about.get("was", {}) if isinstance(about, Mapping) else {}
    joined = {key: value for key, value in mine.items() if key not in ("gateways", "schemas", "apis", MARK)}
    for key in _ABOUT:
        value = _value(key, mine, theirs, was, (key, kept))
        joined.pop(key, None)
        if value is not None:
            joined[key] = value[0]
    return joined


def _catalog(catalog: Json) -> dict[str, Any]:
    first = ("$schema", "name", "title", "description", "version", "lastModified", "modifiedBy")
    last = ("gateways", "schemas", "apis", MARK)
    others = [key for key in catalog if key not in first and key not in last]
    return {key: catalog[key] for key in (*first, *others, *last) if key in catalog}


def _object(node: Json, key: str) -> Json:
    value = node.get(key)
    return value if isinstance(value, Mapping) else {}


def _apis(catalog: Json) -> Iterator[Json]:
    apis = catalog.get("apis")
    yield from (api for api in apis if isinstance(api, Mapping)) if isinstance(apis, list) else ()


def _operation(api: Json) -> str:
    mark = api.get(MARK)
    key = mark.get("operation") if isinstance(mark, Mapping) else None
    return key if isinstance(key, str) else ""


def _was(api: Json) -> Json:
    mark = api.get(MARK)
    was = mark.get("was") if isinstance(mark, Mapping) else None
    return was if isinstance(was, Mapping) else {}


def _keys(imported: Imported) -> dict[str, str]:
    return {entry.name: entry.key for entry in imported.report.entries if entry.outcome == "imported"}


def _found(key: str, node: Json) -> str:
    return _hash(node[key]) if key in node else ""


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
