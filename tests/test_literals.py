"""Foreign text in generated files: one literal, one docstring, one comment, one JSON value; never more."""

from __future__ import annotations

import ast
import inspect
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_codegen.literals import call, comment, docstring, json_text, literal
from mcp_codegen.rendering import markdown
from tests.blackened import blackened

# Quotes, backslashes, ends of lines, and what opens or closes something in a file of some kind.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.text(
    st.sampled_from("\"'\\\n\r\t #{}%$ab\x00\u2028\u202e"), max_size=12
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
quick = settings(deadline=None, max_examples=150)


@quick
@given(value=VALUES)
def test_a_literal_is_the_value_before_and_after_formatting(value: object):
    written = literal(value)
    assert ast.literal_eval(written) == value
    assert "\n" not in written
    formatted = blackened(f"value = {written}\n")
    assert ast.literal_eval(formatted.partition(" = ")[2]) == value


@quick
@given(text=TEXTS)
def test_a_literal_shows_nothing_that_hides_or_reorders_text(text: str):
    for written in (literal(text), docstring(text), comment(text), markdown(text), json_text(text, indent=None)):
        for hidden in "\x00\x07\x1b\x7f\x85\u200b\u202e\u2028\ufeff\ue000":
            assert hidden not in written


@quick
@given(text=TEXTS, indented=st.booleans())
@example(text='"', indented=False)
@example(text='a"""', indented=False)
@example(text='\\"""', indented=True)
@example(text='"""\nimport os\n"""', indented=True)
@example(text="\\", indented=False)
@example(text='x\ny"', indented=True)
def test_a_docstring_is_one_expression_that_shows_the_text(text: str, indented: bool):
    code = f"def f():\n    {docstring(text)}\n" if indented else f"{docstring(text)}\n"
    for source in (code, blackened(code)):
        (statement,) = ast.parse(source).body
        found = ast.get_docstring(statement if isinstance(statement, ast.FunctionDef) else ast.parse(source))  # type: ignore[arg-type]
        if isinstance(statement, ast.FunctionDef):
            (statement,) = statement.body
        assert isinstance(statement, ast.Expr)
        assert isinstance(statement.value, ast.Constant)
        lines = [line.rstrip() for line in inspect.cleandoc(found or "").split("\n")]
        expected = [line.rstrip() for line in inspect.cleandoc("\n".join(text.strip().splitlines())).split("\n")]
        assert [line.split() for line in lines] == [line.split() for line in expected] or not text.strip()


@quick
@given(text=TEXTS)
def test_a_comment_is_one_line(text: str):
    assert len(comment(text).splitlines()) <= 1
    assert len(f"| {markdown(text)} |".splitlines()) == 1
    assert ast.parse(f"# {comment(text)}\nx = 1").body[0].lineno == 2


@quick
@given(value=VALUES)
def test_json_text_loads_back(value: object):
    assert json.loads(json_text(value)) == value
    assert json.loads(json_text(value, indent=None)) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ('a "quoted" word', "'a \"quoted\" word'"),
        ("it's", '"it\'s"'),
        ('it\'s "both"', "'it\\'s \"both\"'"),
        (1e16, "1e16"),
        (r"^\d+$", r'r"^\d+$"'),
        ("ends in \\", r'"ends in \\"'),
        ("a\nb\u202e", r'"a\nb\u202e"'),
        ("ñandú 日本", '"ñandú 日本"'),
        ({"a": [1, None, True]}, '{"a": [1, None, True]}'),
    ],
)
def test_literals_are_written_as_people_write_them(value: object, written: str):
    assert literal(value) == written


def test_calls_leave_out_what_is_not_given():
    assert call("Field", alias="a", description=None, ge=0) == 'Field(alias="a", ge=0)'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b `c` *d* _e_", r"a \| b \`c\` \*d\* \_e\_"),
        ("<script> &lt; [x](y)", r"\<script\> \&lt; \[x\](y)"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("12) item", r"12\) item"),
        ("+ item", r"\+ item"),
        ("==", r"\=="),
        ("a - b, 1.5", "a - b, 1.5"),
    ],
)
def test_markdown_shows_the_text_and_makes_nothing_of_it(text: str, shown: str):
    assert markdown(text) == shown
