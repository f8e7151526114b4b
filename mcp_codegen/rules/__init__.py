"""What keys say about each other: names that resolve, paths that are complete, examples that fit.

Each rule yields a `Problem` for each thing that breaks it; what the language knows and the generator cannot render is
refused here as well, never rendered wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from mcp_codegen import hosts, paging, policies
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.errors import Problem
from mcp_codegen.listing import Listing
from mcp_codegen.rules import endpoints, examples, gateways, inputs, names

Rule = Callable[[CheckedCatalog], Iterator[Problem]]

RULES: Final[tuple[Rule, ...]] = (
    names.check,
    gateways.check,
    endpoints.check,
    inputs.check,
    paging.check,
    policies.check,
    examples.check,
)


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
