"""What the generated `doctor` is told: the settings, the gateways, and one harmless call behind each credential."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mcp_codegen.catalog import Auth
from mcp_codegen.checked import CheckedCatalog, Operation, Parameter
from mcp_codegen.listing import input_keys
from mcp_codegen.package import Setting

_NOTHING: Final = object()


def checkup(catalog: CheckedCatalog, tool_names: Mapping[str, str], settings: Iterable[Setting]) -> dict[str, Any]:
    """The content of `doctor.json`. A probe is a call of a read-only API with the catalog's own examples."""
    by_source: dict[tuple[str, str], list[Operation]] = {}
    for one in catalog.active:
        by_source.setdefault((one.gateway, one.base_url), []).append(one)
    return {
        "settings": [_setting(setting) for setting in settings],
        "gateways": [_gateway(catalog, operations, tool_names) for operations in by_source.values()],
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {"name": setting.name, "doc": setting.doc, "kind": setting.kind, "sample": setting.sample}


def _gateway(catalog: CheckedCatalog, operations: Sequence[Operation], tool_names: Mapping[str, str]) -> dict[str, Any]:
    first = operations[0]
    by_auths: dict[str, list[Operation]] = {}
    for one in operations:
        by_auths.setdefault(repr(catalog.auths_of(one)), []).append(one)
    return {
        "name": first.gateway or first.base_url.partition("://")[2],
        "baseUrl": first.base_url or catalog.gateways[first.gateway].base_url,
        "prefix": _prefix([one.path for one in operations]),
        "doors": [_door(catalog.auths_of(same[0]), same, tool_names) for same in by_auths.values()],
    }


def _door(auths: Sequence[Auth], operations: Sequence[Operation], tool_names: Mapping[str, str]) -> dict[str, Any]:
    """The credentials that some APIs ask for together, and the easiest harmless call behind them."""
    probes = [(one, _arguments(one)) for one in operations if one.read_only]
    possible = [(one, arguments) for one, arguments in probes if arguments is not None]
    written = {"credentials": [auth.model_dump(by_alias=True) for auth in auths]}
    if not possible:
        return written
    easiest, arguments = min(possible, key=lambda probe: (probe[0].api.deprecated, len(probe[1] or ())))
    return written | {"probe": {"tool": tool_names[easiest.api.name], "arguments": arguments}}


def _arguments(one: Operation) -> dict[str, Any] | None:
    """What the API needs, from its first example or from its inputs' own; None where the catalog knows none."""
    keys = input_keys(one)
    example = one.api.examples[0].inputs if one.api.examples else {}
    found = {keys[p.label]: _example(p, example) for p in one.parameters if p.required or p.label in example}
    return None if any(value is _NOTHING for value in found.values()) else found


def _example(parameter: Parameter, example: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if parameter.label in example:
        return example[parameter.label]
    return parameter.schema.example[0] if parameter.schema.example else _NOTHING


def _prefix(paths: Sequence[str]) -> str:
    """The segments that every endpoint begins with: a base URL that ends with them is written twice."""
    split = [path.split("/")[1:] for path in paths]
    shared = []
    for segments in zip(*split, strict=False):
        if len(set(segments)) > 1 or "{" in segments[0]:
            break
        shared.append(segments[0])
    return "/".join(shared)
