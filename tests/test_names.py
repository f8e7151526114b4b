"""Names: valid, single, unreserved, and the same whatever stands beside what they are made from."""

from __future__ import annotations

import builtins
import keyword
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import BaseModel

from mcp_codegen import names
from telefonica_mcp.runtime.calling import ApiClient
from tests.generated import build

SPELLERS = {
    "function": (names.snake_case, names.RESERVED_FUNCTIONS),
    "argument": (names.field_name, names.RESERVED_ARGUMENTS),
    "attribute": (names.field_name, names.RESERVED_ATTRIBUTES),
    "class": (names.pascal_case, names.RESERVED_CLASSES),
    "module": (names.snake_case, names.RESERVED_MODULES),
    "constant": (names.constant_case, names.RESERVED_GATEWAYS),
}
TEXTS = st.text(max_size=80) | st.text(st.sampled_from("abAB01_-. é"), max_size=6)
# Few enough that they clash.
WORDS = st.lists(
    st.sampled_from(["a b", "a-b", "a_b", "aB", "AB", "class", "class_", "日本", "日", "", "self"]) | TEXTS, unique=True
)


@pytest.mark.parametrize("kind", SPELLERS)
@settings(deadline=None, max_examples=60)
@given(sources=WORDS, seed=st.integers(0, 99))
def test_names_are_identifiers_each_different_and_none_reserved_in_any_order(kind: str, sources: list[str], seed: int):
    spell, reserved = SPELLERS[kind]
    found = names.resolve(sources, spell, reserved)
    assert list(found) == sources
    assert len(set(found.values())) == len(sources)
    for name in found.values():
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert name not in reserved
        assert not name.startswith("_")
        assert len(name) <= names.LONGEST + 2
    shuffled = random.Random(seed).sample(sources, len(sources))  # noqa: S311 - an order
    assert names.resolve(shuffled, spell, reserved) == found


@settings(deadline=None, max_examples=60)
@given(sources=WORDS, other=TEXTS)
def test_a_name_stays_the_same_when_an_unrelated_one_comes(sources: list[str], other: str):
    before = names.resolve(sources, names.snake_case, names.RESERVED_FUNCTIONS)
    after = names.resolve([*sources, other], names.snake_case, names.RESERVED_FUNCTIONS)
    clashing = {source for source in sources if before[source] == after[other]}
    clashing |= {source for source in sources if names.snake_case(source) == names.snake_case(other)}
    assert {source: after[source] for source in sources if source not in clashing} == {
        source: before[source] for source in sources if source not in clashing
    }


@settings(deadline=None, max_examples=60)
@given(sources=WORDS)
def test_tools_and_inputs_keep_their_names_where_strict_hosts_take_them(sources: list[str]):
    for spell, strict in (
        (names.tool_name, r"[A-Za-z][A-Za-z0-9_-]{0,63}"),
        (names.input_name, r"[A-Za-z0-9_.-]{1,64}"),
    ):
        found = names.resolve(sources, spell, frozenset())
        assert len(set(found.values())) == len(sources)
        for source, name in found.items():
            assert re.fullmatch(strict, name)
            assert name == source or not re.fullmatch(strict, source)


@pytest.mark.parametrize(
    ("text", "snake", "pascal", "constant"),
    [
        ("billingInvoiceNumber", "billing_invoice_number", "BillingInvoiceNumber", "BILLING_INVOICE_NUMBER"),
        ("listado_de_boletas_fija", "listado_de_boletas_fija", "ListadoDeBoletasFija", "LISTADO_DE_BOLETAS_FIJA"),
        ("HTTPServerURL", "http_server_url", "HTTPServerURL", "HTTP_SERVER_URL"),
        ("getA2b", "get_a2b", "GetA2b", "GET_A2B"),
        ("Número de cliente", "numero_de_cliente", "NumeroDeCliente", "NUMERO_DE_CLIENTE"),
        ("$filter", "filter", "Filter", "FILTER"),
        ("page[size]", "page_size", "PageSize", "PAGE_SIZE"),
        ("2fa", "x2fa", "X2fa", "X2FA"),
        ("__init__", "init", "Init", "INIT"),
    ],
)
def test_names_read_as_python_names_do(text: str, snake: str, pascal: str, constant: str):
    assert (names.snake_case(text), names.pascal_case(text), names.constant_case(text)) == (snake, pascal, constant)


def test_of_names_that_clash_the_one_that_is_spelled_so_keeps_it():
    found = names.resolve(["getA", "get_a", "class"], names.snake_case, names.RESERVED_FUNCTIONS)
    assert found["get_a"] == "get_a"
    assert re.fullmatch("get_a_[0-9a-f]{6}", found["getA"])
    assert found["class"] == "class_"
    found = names.resolve(["Copy", "copy"], names.field_name, names.RESERVED_ATTRIBUTES)
    assert found["copy"] == "copy_"
    assert re.fullmatch("copy_[0-9a-f]{6}", found["Copy"])


def test_long_names_are_cut_and_stay_apart():
    found = names.resolve(["x" * 100, "x" * 101, "y" * 60], names.snake_case, frozenset())
    assert found["y" * 60] == "y" * 60
    assert {len(name) for name in found.values()} == {60}
    tools = names.resolve(["é" * 64, "é" * 65], names.tool_name, frozenset())
    assert {len(name) for name in tools.values()} == {64}


def test_what_generated_code_and_its_libraries_have_themselves_is_reserved():
    of_models = {name for name in {*dir(BaseModel), *dir(type(BaseModel)), *dir(ArgModelBase)} if name[0] != "_"}
    for name in of_models:
        assert names.field_name(name) != name or name in names.RESERVED_ATTRIBUTES & names.RESERVED_ARGUMENTS, name
    assert {name for name in dir(ApiClient) if name[0] != "_"} <= names.RESERVED_FUNCTIONS
    assert {"package", "variables"} <= names.RESERVED_FUNCTIONS
    functions = {
        name for name in dir(builtins) if name.islower() and name[0] != "_" and callable(getattr(builtins, name))
    }
    assert functions <= names.RESERVED_FUNCTIONS
    assert set(keyword.kwlist) <= names.RESERVED_FUNCTIONS & names.RESERVED_ARGUMENTS & names.RESERVED_CLASSES


def test_types_of_a_union_that_share_a_title_are_all_kept(tmp_path: Path):
    def state(*members: str, title: str) -> dict[str, Any]:
        properties = {name: {"type": "string"} for name in members}
        return {"type": "object", "title": title, "required": list(members), "properties": properties}

    variants = [state("paid", title="State"), state("refused", title="State"), state("open", title="Open")]
    output = {"type": "object", "properties": {"state": {"oneOf": variants}}}
    api = {"name": "pay", "httpMethod": "GET", "endpoint": "/pay", "inputs": [], "output": output}
    built = build({"name": "unions", "gateways": {"main": {"baseUrl": "${URL}"}}, "apis": [api]}, tmp_path)
    with built.importable():
        models = built.load("models.unions")
        for value, kind in (
            ({"paid": "x"}, models.PayResultState1),
            ({"refused": "x"}, models.PayResultState2),
            ({"open": "x"}, models.PayResultStateOpen),
        ):
            assert type(models.PayResult.model_validate({"state": value}).state) is kind
