"""Generated Python is laid out as black does it, whatever stands in it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_codegen.formatting import formatted
from mcp_codegen.layout import UnknownFormError, fits, lay_out
from mcp_codegen.literals import call, docstring, literal
from tests.blackened import blackened

ROOT = Path(__file__).parents[1]
GENERATED = [ROOT / "out" / "telefonica", *sorted((ROOT / "tests" / "cases").glob("*/out"))]

TEXTS = st.text("ab \"'\\\n", max_size=12) | st.text("word, (more) | = [", max_size=140) | st.just("宽" * 30)
NAMES = st.text("abc", min_size=1, max_size=8) | st.text("abcdefg_", min_size=20, max_size=45).map(
    lambda name: f"n{name}"
)
CLASSES = NAMES.map(str.title)
LITERALS = st.lists(TEXTS, min_size=1, max_size=6).map(lambda texts: f"Literal[{', '.join(map(literal, texts))}]")


def unions(types: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(types, min_size=2, max_size=5).map(" | ".join)


def checked(types: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    field = st.builds(
        lambda text, alias, least: call("Field", alias=alias, ge=least, description=text),
        st.none() | TEXTS, st.none() | NAMES, st.none() | st.floats(-1e20, 1e20) | st.integers(),
    )  # fmt: skip
    one_of = st.lists(TEXTS | st.integers(), min_size=1, max_size=5).map(lambda values: call("OneOf", *values))
    return st.builds(lambda type_, about: f"Annotated[{type_}, {about}]", types, field | one_of)


PLAIN = st.sampled_from(["str", "int", "dt.date", "Any"]) | CLASSES | LITERALS
TYPES = st.recursive(
    PLAIN,
    lambda inner: unions(inner) | checked(inner) | inner.map("list[{}]".format) | inner.map("dict[str, {}]".format),
    max_leaves=6,
)
DEFAULTS = st.sampled_from(["", "MISSING", "True", "30", "-1.5"]) | (TEXTS | st.lists(TEXTS, max_size=5)).map(literal)
DOCS = st.text("ab \"'\\\n\t", max_size=60) | TEXTS


@st.composite
def attributes(draw: st.DrawFn) -> str:
    default = draw(DEFAULTS)
    return f"{draw(NAMES)}: {draw(TYPES)}{f' = {default}' if default else ''}"


@st.composite
def values(draw: st.DrawFn) -> str:
    """What is passed to the runtime."""
    names = draw(st.lists(NAMES, max_size=5, unique=True))
    pairs = ", ".join(f'"{name}": {draw(st.sampled_from([name, f"Styled({name}, explode=True)"]))}' for name in names)
    kinds = ["{}", "Json({})", 'Members({}, "text/json")', "tuple"]
    return draw(st.sampled_from(kinds)).replace("{}", f"{{{pairs}}}")


@st.composite
def functions(draw: st.DrawFn) -> str:
    arguments = draw(st.lists(attributes(), max_size=4))
    first = draw(st.sampled_from(["ctx: Context[Upstream]", "self", ""]))
    given_ = ", ".join([*([first] if first else []), *(["*"] if first and arguments else []), *arguments])
    type_ = draw(TYPES)
    keywords = "".join(f", {draw(NAMES)}={draw(values())}" for _ in range(draw(st.integers(0, 3))))
    sent = f"await ORIGIN.send({draw(TEXTS.map(literal))}, {type_}{keywords})"
    return "\n".join(
        [
            f"async def {draw(NAMES)}({given_}) -> Answer[{type_}]:",
            textwrap.indent(docstring(draw(DOCS)), "    ", lambda line: bool(line.strip())),
            f"    answer: {type_} = {sent}",
            f"    return {sent}",
        ]
    )


quick = settings(deadline=None, max_examples=50)


@pytest.mark.parametrize("folder", GENERATED, ids=lambda folder: folder.parent.name)
def test_black_changes_no_generated_file(folder: Path):
    files = [file for file in folder.rglob("*.py") if file.parent.name != "runtime"]
    assert files
    assert not [file for file in files if blackened(text := file.read_text("utf-8")) != text]


@quick
@given(members=st.lists(attributes(), min_size=1, max_size=3), doc=DOCS)
def test_a_class_is_laid_out_as_black_does_it(members: list[str], doc: str):
    text = textwrap.indent(docstring(doc), "    ", lambda line: bool(line.strip()))
    code = formatted("\n".join(["class Some(Model):", text, "", *(f"    {one}" for one in members)]))
    assert code == blackened(code)
    compile(code, "models.py", "exec")


@quick
@given(code=functions())
def test_a_function_is_laid_out_as_black_does_it(code: str):
    code = formatted(code)
    assert code == blackened(code)


@quick
@given(names=st.lists(CLASSES, min_size=1, max_size=9, unique=True), package=NAMES)
def test_an_import_is_laid_out_as_black_does_it(names: list[str], package: str):
    code = formatted(f"from .models.{package} import {', '.join(names)}")
    assert code == blackened(code)


@quick
@given(bases=st.lists(CLASSES, min_size=2, max_size=9, unique=True))
def test_a_class_of_many_is_laid_out_as_black_does_it(bases: list[str]):
    code = formatted(f"class Some({', '.join(bases)}):\n    pass")
    assert code == blackened(code)


@quick
@given(doc=DOCS, other=DOCS)
def test_black_changes_no_docstring(doc: str, other: str):
    text = textwrap.indent(docstring(other), "    ", lambda line: bool(line.strip()))
    code = f"{docstring(doc)}\n\n\ndef f():\n{text}\n"
    assert code == blackened(code)


@quick
@given(value=TEXTS | st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_black_changes_no_literal(value: object):
    code = f"x = {literal(value)}\n"
    assert not fits(code) or code == blackened(code)


def test_what_is_no_known_form_is_left_to_black():
    statement = f"if {' and '.join(['a_name_of_some_length'] * 8)}:"
    with pytest.raises(UnknownFormError):
        lay_out(statement, 0)
    assert formatted(f"{statement}\n    pass") == blackened(f"{statement}\n    pass\n")
