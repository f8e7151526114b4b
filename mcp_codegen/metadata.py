"""What a package says of itself to programs: which catalog it is made of, and what became of each API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_codegen import __version__
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.listing import Listing, input_keys, tool_names
from mcp_codegen.paging import paging_of
from mcp_codegen.tokens import estimated
from mcp_codegen.trimming import Form


def metadata(catalog: CheckedCatalog, digest: str, listing: Listing) -> dict[str, Any]:
    """The metadata of a catalog's package. digest: of the catalog's content."""
    about, tools = catalog.catalog, tool_names(catalog)
    tokens = {tool["name"]: estimated(tool) for tool in listing.tools}  # none where catalogs are only compared
    return {
        "catalog": {
            "name": about.name,
            "version": about.version,
            "lastModified": about.last_modified,
            "hash": digest,
        },
        "generator": {"name": "mcp-codegen", "version": __version__},
        "activeApis": [one.api.name for one in catalog.operations if one.api.active],
        "inactiveApis": [one.api.name for one in catalog.operations if not one.api.active],
        "tokens": sum(tokens.values()),
        "tools": {
            name: _tool(one, catalog, tokens.get(name, 0), listing.trimmed.get(name, {}))
            for one, name in ((one, tools[one.api.name]) for one in catalog.active)
        },
    }


def _tool(one: Operation, catalog: CheckedCatalog, tokens: int, trimmed: Mapping[str, Form]) -> dict[str, Any]:
    keys = {key: name for name, key in input_keys(one).items() if key != name}
    auths = [auth.type for auth in catalog.auths_of(one)]
    known = {
        "api": one.api.name,
        "method": one.method,
        "endpoint": one.base_url + one.path,
        "gateway": one.gateway or None,
        "auth": " + ".join(auths) or "none",
        "readOnly": one.read_only,
        "tokens": tokens,
    }
    paging = paging_of(one, catalog)
    known |= {"pagination": paging.policy.type} if paging else {}
    shown = {part: {"depth": form.depth, "descriptions": max(form.words, 0)} for part, form in trimmed.items()}
    return known | ({"renamedInputs": keys} if keys else {}) | ({"shown": shown} if shown else {})
