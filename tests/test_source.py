"""Reading JSON and YAML: what is taken, what is refused, and where each problem is shown."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_codegen import source
from mcp_codegen.errors import CatalogError, Problem
from mcp_codegen.source import Source, yaml_text
from mcp_codegen.source.places import MAX_DEPTH


def refusal(content: str | bytes, file: str) -> list[str]:
    """The lines that a file is refused with."""
    with pytest.raises(CatalogError) as caught:
        source.parse(content.encode() if isinstance(content, str) else content, file)
    return str(caught.value).split("\n")


def places(taken: Source, *pointers: tuple[str | int, ...], at_key: bool = False) -> list[tuple[int, int]]:
    """Line and column where problems at these pointers are shown."""
    problems = [Problem(pointer, "wrong", "mend it", at_key) for pointer in pointers]
    return [(found.line, found.column) for found in taken.diagnostics(problems)]


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_json_is_read_as_plain_data():
    text = '\ufeff {"a": [1, -2.5, true, null, "\\u00e9\\ud83d\\ude00"], "b": {}}\r\n'
    taken = source.parse(text.encode(), "a.json")
    assert taken.data == {"a": [1, -2.5, True, None, "é😀"], "b": {}}
    assert taken.file == "a.json"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("12", 12), ("-7", -7), ("0x1F", 31),
        ("0o17", 15), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("no", "no"), ("Yes", "Yes"), ("on", "on"),
        ("012", "012"), ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("2025-12-08", "2025-12-08"), ("0b1", "0b1"),
        ("523_47_682957384", "523_47_682957384"), ("'12'", "12"), ('"null"', "null"), ("!!str 12", "12"),
        ("! 12", "12"), ("!!int 12", 12), ("!!float 12", 12.0), ("|\n  a\n  b\n", "a\nb\n"), ("=", "="), ("-", [None]),
    ],
)  # fmt: skip
def test_yaml_means_what_its_version_1_2_says(written, read):
    value = source.parse(f"key: {written}\n".encode() if read != [None] else b"key:\n -\n", "a.yaml").data["key"]
    assert value == read
    assert type(value) is type(read)


def test_status_codes_are_keys_without_quotes():
    assert source.parse(b"200: ok\n404: gone\ntrue: t\nno: n", "a.yml").data == dict(
        zip(("200", "404", "true", "no"), ("ok", "gone", "t", "n"), strict=True)
    )


def test_aliases_repeat_their_anchors_as_values_of_their_own():
    data = source.parse(b"a: &in [{name: x}]\nb: *in\nc: {d: *in}\n", "a.yaml").data
    assert data == {"a": [{"name": "x"}], "b": [{"name": "x"}], "c": {"d": [{"name": "x"}]}}
    assert data["a"] is not data["b"]


@pytest.mark.parametrize(
    ("file", "text", "data"),
    [
        ("a.JSON", "[1]", [1]),
        ("a.YML", "- 1", [1]),
        ("a.yaml", "[1, a]", [1, "a"]),
        ("catalog", " {}", {}),
        ("catalog.txt", "a: 1", {"a": 1}),
    ],
)
def test_the_ending_tells_json_from_yaml_and_else_the_first_character(file, text, data):
    assert source.parse(text.encode(), file).data == data


def test_a_file_is_read_from_disk(tmp_path):
    file = tmp_path / "a.json"
    file.write_bytes(b'{"a": 1}')
    assert source.load(file) == Source(str(file), '{"a": 1}', {"a": 1})


# --- where problems are shown -----------------------------------------------------------------------------------------

JSON_TEXT = """{
  "apis": [
    {"name": "x", "type":  "strng"},
    {"inputs": []}
  ],
  "ñ": "é", "z": 1
}"""
YAML_TEXT = """# a catalog
apis:
  - name: x
    type:  strng
  - inputs: []
"ñ": é
z: 1
"""


def test_a_problem_stands_at_its_value_and_one_about_a_key_at_the_key():
    for file, text, value, key in (
        ("a.json", JSON_TEXT, (3, 28), (3, 19)),
        ("a.yaml", YAML_TEXT, (4, 12), (4, 5)),
    ):
        taken = source.parse(text.encode(), file)
        assert places(taken, ("apis", 0, "type")) == [value]
        assert places(taken, ("apis", 0, "type"), at_key=True) == [key]


def test_what_is_missing_is_shown_at_the_nearest_value_around_it():
    pointers = [("apis", 1, "name"), ("apis", 7), ("apis", 0, "name", "deeper", 1), ("nothing",), ()]
    in_json = places(source.parse(JSON_TEXT.encode(), "a.json"), *pointers)
    assert in_json == [(4, 5), (2, 11), (3, 14), (1, 1), (1, 1)]
    in_yaml = places(source.parse(YAML_TEXT.encode(), "a.yaml"), *pointers)
    assert in_yaml == [(5, 5), (3, 3), (3, 11), (2, 1), (2, 1)]


def test_columns_count_characters_and_a_byte_order_mark_is_none():
    assert places(source.parse(("\ufeff" + '{"ñandú😀": "é", "z": [1]}').encode(), "a.json"), ("z", 0)) == [(1, 23)]


def test_a_problem_in_what_an_alias_repeats_stands_at_the_anchor():
    taken = source.parse(b"a: &in\n  - {name: x}\nb: *in\n", "a.yaml")
    assert places(taken, ("b", 0, "name"), ("b",)) == [(2, 12), (3, 4)]


def test_a_diagnostic_says_where_what_and_the_remedy():
    taken = source.parse(JSON_TEXT.encode(), "billing/a.json")
    problem = Problem(("apis", 0, "type"), "unknown type 'strng'", "did you mean 'string'?")
    assert [str(found) for found in taken.diagnostics([problem])] == [
        "billing/a.json:3:28: apis[0].type: unknown type 'strng'; did you mean 'string'?"
    ]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text("abñ😀\"\\':,{}[]# ", max_size=6), inner, max_size=4),
    max_leaves=20,
)


def pointers_of(value, pointer=()):
    yield pointer, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from pointers_of(member, (*pointer, key))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values, st.sampled_from([None, 0, 3]), st.booleans())
def test_every_value_of_any_json_is_read_and_found(data, indent, ensure_ascii):
    text = json.dumps(data, indent=indent, ensure_ascii=ensure_ascii)
    taken = source.parse(text.encode(), "a.json")
    assert taken.data == data
    expected = dict(pointers_of(data))
    lines = text.split("\n")
    for pointer, (line, column) in zip(expected, places(taken, *expected), strict=True):
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == expected[pointer]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values)
def test_yaml_reads_json_the_same_and_finds_it_at_the_same_places(data):
    text = json.dumps(data, indent=1, ensure_ascii=False)
    as_json, as_yaml = source.parse(text.encode(), "a.json"), source.parse(text.encode(), "a.yaml")
    assert as_yaml.data == as_json.data
    pointers = [pointer for pointer, _ in pointers_of(data)]
    assert places(as_yaml, *pointers) == places(as_json, *pointers)
    assert places(as_yaml, *pointers, at_key=True) == places(as_json, *pointers, at_key=True)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('{"a": 1,}', "1:8", "a comma before the end of a list or object; remove it"),
        ("[1,\n]", "1:3", "a comma before the end of a list or object; remove it"),
        ('{"a": 1\n "b": 2}', "2:2", "expected ',' or the end of the list or object; add a comma"),
        ("[01]", "1:3", "expected ',' or the end of the list or object; add a comma"),
        ("{a: 1}", "1:2", 'expected a key in double quotes; write it as "key": value'),
        ("{'a': 1}", "1:2", "single quotes; write texts and keys in double quotes"),
        ("[True]", "1:2", "'True' is not a word of JSON; write true"),
        (
            '{"a": 1 // one\n}',
            "1:9",
            "JSON has no comments; remove it, or keep it as a text under a key that starts with",
        ),
        ("# one\n{}", "1:1", "JSON has no comments; remove it, or keep it as a text under a key that starts with"),
        ("{} {}", "1:4", "text after the end of the value; remove it: a file holds one value"),
        ('["a]', "1:2", 'a text has no closing quote; add the closing "'),
        ('["a\nb"]', "1:4", "a text is broken by a line break or control character; close its quote, or write"),
        (r'["\d"]', "1:3", r"this escape does not exist; write a backslash as \\, a quote as"),
        ('[1,\n {"a": \n', "2:7", "the text ends too early; complete it: a quote, ']' or '}' is missing"),
        ('{"a" 1}', "1:6", "expected ':' after the key; add it"),
        ("[\x1b]", "1:2", "expected a value; write a number, true, false, null, or a text in double quotes"),
    ],
)
def test_what_is_no_json_is_refused_with_place_and_remedy(text, where, what):
    (line,) = refusal(text, "a.json")
    assert line.startswith(f"a.json:{where}: $: not valid JSON: {what}")


def test_everything_wrong_with_the_values_of_a_json_is_said_at_once():
    text = (
        '{"a": [NaN, -Infinity, 1e999, "\\ud800x"],\n "b": {"c": 1,\n  "c": {"d": 2, "d": 3}},\n "\\udc00": 1, "a": 2}'
    )
    assert refusal(text, "a.json") == [
        "a.json:1:8: a[0]: NaN and Infinity are not numbers of JSON; write a number, null, or a text",
        "a.json:1:13: a[1]: NaN and Infinity are not numbers of JSON; write a number, null, or a text",
        "a.json:1:24: a[2]: this number is too large to be kept; write a smaller one, or put it in quotes",
        r"a.json:1:31: a[3]: an escape from \ud800 to \udfff is half a character; "
        "write the character itself, or both halves of its escape",
        "a.json:3:3: b.c: the same key stands above in this object; remove or rename one",
        "a.json:3:17: b.c.d: the same key stands above in this object; remove or rename one",
        r"a.json:4:2: ['\udc00']: an escape from \ud800 to \udfff is half a character; "
        "write the character itself, or both halves of its escape",
        "a.json:4:15: a: the same key stands above in this object; remove or rename one",
    ]


def test_whole_escapes_and_escaped_backslashes_are_no_half_characters():
    assert source.parse(rb'["\ud83d\ude00", "\\ud800"]', "a.json").data == ["😀", r"\ud800"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: b: c", "1:5", "not valid YAML: a ':' does not fit here; indent the line right, or put the text in quotes"),
        ("a:\n\t- b", "2:1", "not valid YAML: a tab stands where the line is indented; indent with spaces"),
        ("a: @x", "1:4", "not valid YAML: a text may not start with '@'; put it in quotes"),
        ("a: [1\nb: 2", "2:2", "not valid YAML: expected ',' or the end of the list or object; add what is missing"),
        ("- a\nb: 1", "2:1", "not valid YAML: this does not fit the lines above; indent the line right"),
        ('a: "x\n', "2:1", "not valid YAML: a quote is open to the end of the file; close it"),
        ("# nothing", "1:1", "there is nothing in the file but comments; write the catalog in it"),
        ("a: 1\n---\nb: 2", "2:1", "a second document starts here; keep one document in a file"),
        ("a: \x1b[31m", "1:4", "the character U+001B may not stand in YAML; remove it, or escape it"),
        ("? [a]\n: 1", "1:3", "a list or an object as a key; write a text as the key"),
        ("a: *b", "1:4", "there is no anchor '&b' above; write it before it is repeated"),
        ("a: &a {b: [*a]}", "1:12", "the alias '*a' stands inside of what it repeats; write it out"),
    ],
)
def test_what_is_no_yaml_is_refused_with_place_and_remedy(text, where, what):
    (line,) = refusal(text, "a.yaml")
    assert line.startswith(f"a.yaml:{where}: $: {what}")


@pytest.mark.parametrize("file", ["a.json", "a.yaml"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: $: the file is empty; write JSON or YAML in it"),
        (" \n", "1:1: $: the file is empty; write JSON or YAML in it"),
        ("[" * 101 + "]" * 101, "1:101: $: nested more than 100 levels deep; make it flatter"),
        ("[" * 10_000, "1:101: $: nested more than 100 levels deep; make it flatter"),
        ("9" * 5_000, "1:1: $: this number is too large to be kept; write a smaller one, or put it in quotes"),
        (
            '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> x\n}',
            "2:1: $: a merge conflict stands here; resolve it, and remove its markers",
        ),
    ],
)
def test_what_neither_language_can_take_is_refused_in_the_same_words(file, text, line):
    assert refusal(text, file) == [f"{file}:{line}"]


def test_deep_objects_and_block_lists_are_refused_where_they_get_too_deep():
    assert refusal('{"a":' * 10_000, "a.json")[0].startswith(f"a.json:1:{5 * MAX_DEPTH + 1}: ")
    assert refusal("- " * 10_000 + "1", "a.yaml")[0].startswith(f"a.yaml:1:{2 * MAX_DEPTH + 1}: ")
    assert source.parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "a.json").data


def test_everything_wrong_with_the_values_of_a_yaml_is_said_at_once():
    text = "a: .nan\nb: {c: 1e999, c: 1}\n0x10: 1\nd: {<<: {}}\ne: !secret x\nf: !!binary x\n"
    text += "~: 1\n1.5: 2\na: 1"
    assert refusal(text, "a.yaml") == [
        "a.yaml:1:4: a: NaN and Infinity are not numbers of JSON; write a number, null, or a text",
        "a.yaml:2:8: b.c: this number is too large to be kept; write a smaller one, or put it in quotes",
        "a.yaml:2:15: b.c: the same key stands above in this object; remove or rename one",
        "a.yaml:3:1: ['0x10']: the key '0x10' is not a text; put it in quotes",
        "a.yaml:4:5: d['<<']: merge keys are not supported; "
        "YAML 1.2 has no '<<': write the keys out, or put '<<' in quotes",
        "a.yaml:5:4: e: the tag '!secret' does not fit here; remove it, or put the value in quotes",
        "a.yaml:6:4: f: the tag 'tag:yaml.org,2002:binary' does not fit here; remove it, or put the value in quotes",
        "a.yaml:7:1: ['~']: the key '~' is not a text; put it in quotes",
        "a.yaml:8:1: ['1.5']: the key '1.5' is not a text; put it in quotes",
        "a.yaml:9:1: a: the same key stands above in this object; remove or rename one",
    ]


def test_a_small_yaml_that_aliases_blow_up_is_refused():
    bomb = "a0: &a0 [x, x, x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 20))
    assert refusal(bomb, "a.yaml") == [
        "a.yaml:7:10: $: aliases stand for more than 10,000,000 characters; write out what differs, and repeat less"
    ]
    deep = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200))
    assert refusal(deep, "a.yaml") == ["a.yaml:100:12: $: nested more than 100 levels deep; make it flatter"]


def test_yaml_reads_the_same_without_the_fast_parser(monkeypatch):
    monkeypatch.setattr(yaml_text, "_PARSER", yaml_text.yaml.SafeLoader)
    taken = source.parse(YAML_TEXT.encode(), "a.yaml")
    assert places(taken, ("apis", 0, "type"), ("z",)) == [(4, 12), (7, 4)]
    assert refusal("a:\n\t- b", "a.yaml") == [
        "a.yaml:2:1: $: not valid YAML: a tab stands where the line is indented; indent with spaces"
    ]
    assert "half a character" in refusal('a: "\\ud800"', "a.yaml")[0]


@pytest.mark.parametrize("file", ["a.json", "a.yaml"])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'{\n "\xc3\xa9": "\xe9"}', "2:8: $: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "1:1: $: this is UTF-16, not UTF-8; save the file as UTF-8"),
        ('{"a": 1}'.encode("utf-32"), "1:1: $: this is UTF-32, not UTF-8; save the file as UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "1:1: $: this is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8"),
        (b" " * 64_000_001, "1:1: $: the file is larger than 64 MB; split it, or name another file"),
    ],
)
def test_bytes_that_are_no_utf8_text_are_refused(file, content, line):
    assert refusal(content, file) == [f"{file}:{line}"]


def test_files_that_cannot_be_read_are_refused(tmp_path):
    def loaded(file: Path) -> str:
        with pytest.raises(CatalogError) as caught:
            source.load(file)
        return str(caught.value).replace(str(tmp_path), "")

    assert loaded(tmp_path / "none.json") == "/none.json:1:1: $: there is no such file; check the path"
    assert loaded(tmp_path) == ":1:1: $: this is a folder; name a file in it"
    assert "cannot be read" in loaded(tmp_path / "none.json" / "\0")
    assert "larger than 64 MB" in loaded(Path("/dev/zero"))
    if os.geteuid():
        (tmp_path / "shut.json").touch(mode=0)
        assert "Permission denied" in loaded(tmp_path / "shut.json")


def test_no_terminal_escape_of_a_file_or_its_name_is_printed():
    text = '{"\\u001b[31m": 1, "\\u001b[31m": 2}'
    assert refusal(text, "\x1b]0;\u202ex.json") == [
        r"\x1b]0;\u202ex.json:1:19: ['\x1b[31m']: the same key stands above in this object; remove or rename one"
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]",:\\udt\n \t-&*!?|>%@<#1e.', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_and_never_crash(content):
    for file in ("a.json", "a.yaml"):
        try:
            source.parse(content, file)
        except CatalogError as refused:
            assert all(found.line >= 1 and found.column >= 1 for found in refused.diagnostics)  # noqa: PT017


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_large_catalog_costs_about_what_its_parser_costs():
    field = {"name": "customerId", "type": "int", "description": "El número del cliente", "example": 45829374}
    api = {"name": "x", "endpoint": "/a/b", "active": True, "inputs": [field] * 8, "outputs": [field] * 8}
    text = json.dumps({"apis": [api] * 6_000}, indent=1, ensure_ascii=False)
    content = text.encode()
    assert len(content) > 12_000_000
    floor, cost = math.inf, math.inf
    for _ in range(3):
        floor = min(floor, cpu_seconds(lambda: json.loads(content)))
        cost = min(cost, cpu_seconds(lambda: source.parse(content, "a.json")))
    assert cost < 4 * floor  # about 2; the rest is for machines under load
    taken = source.parse(content, "a.json")
    problems = [Problem(("apis", 5_999, "inputs", index, "type"), "wrong", "mend it") for index in range(8)]
    assert cpu_seconds(lambda: taken.diagnostics(problems)) < 8 * floor


def cpu_seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
