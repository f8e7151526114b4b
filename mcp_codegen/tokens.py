"""How much of a model's context a tool takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from mcp_codegen.trimming import size_of

BYTES_A_TOKEN: Final = 3.6
"""Of compact JSON with words in it. Each model counts in its own way, and none can be asked without a network."""
BUDGET: Final = 25_000
"""Tokens of a listing that a host spends without harm; Claude Code, for one, warns of answers above as many."""


def estimated(shown: Mapping[str, Any]) -> int:
    """About how many tokens it takes to show this to a model, as compact JSON."""
    return math.ceil(size_of(shown) / BYTES_A_TOKEN)
