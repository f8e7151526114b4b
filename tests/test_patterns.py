"""Patterns of JSON Schema as the checking engine is given them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import SchemaValidator, core_schema

from mcp_codegen.patterns import for_engine

PATTERNS = [r"^\d{3}$", r"^\w+$", r"^\D$", r"^\W$", r"^[\d.]+$", r"^[^\d]$", r"^[\W]$", r"^[^\W_]+$", r"^[\w-]+$"]
PATTERNS += [r"^\\d$", r"^[\]\d]$", r"^\[\d\]$", r"^[\\d]$", r"^(\d|\w)-\d$", r"^[.\-\d]$", r"^a\.b\\\d$"]
TEXTS = st.text("0a_Z-.\\]d\u0663\uff15éß\n", max_size=4)


def engine(pattern: str):
    return SchemaValidator(core_schema.str_schema(pattern=for_engine(pattern))).isinstance_python


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=TEXTS)
def test_a_pattern_means_what_ecma_262_says(pattern: str, text: str):
    ends = pattern.removesuffix("$") + r"\Z"  # Python's $ takes a line break too
    assert engine(pattern)(text) == bool(re.search(ends, text, re.ASCII))


def test_a_pattern_without_classes_stays():
    for pattern in ("^[a-z]{2}$", r"^\.\\$", "", r"\[", "ñ"):
        assert for_engine(pattern) == pattern
