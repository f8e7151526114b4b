"""`mcp-codegen list`: what a catalog holds, for people, pipes and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.comparing.catalogs import api, catalog, written
from tests.generated import codegen

LONG = "/things/" + "very-long/" * 30


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(
        tmp_path / "api_catalog.json",
        catalog(
            api(tags=["a", "b"]),
            api(name="long", httpMethod="GET", endpoint=LONG, inputs=[{"name": "q", "type": "string"}], tags=["b"]),
            api(name="off", active=False, destructive=False),
        ),
    )


def test_into_a_pipe_every_value_stands_whole(file: Path, snapshot):
    result = codegen("list", file)
    assert LONG in result.stdout
    assert result.stdout == snapshot


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["get_thing", "long", "off"]),
        (["--tag", "a"], ["get_thing"]),
        (["--tag", "a", "--tag", "b"], ["get_thing", "long"]),
        (["--inactive"], ["off"]),
        (["--inactive", "--tag", "a"], []),
    ],
)
def test_tags_and_activity_choose(file: Path, words: list[str], names: list[str]):
    result = codegen("list", file, "--json", *words)
    assert [one["tool"] for one in json.loads(result.stdout)] == names


def test_programs_get_everything_by_name(file: Path):
    assert json.loads(codegen("list", file, "--json", "--tag", "a").stdout) == [
        {
            "catalog": "shop",
            "file": str(file),
            "tool": "get_thing",
            "name": "get_thing",
            "method": "POST",
            "endpoint": "/things",
            "gateway": "main",
            "readOnly": False,
            "destructive": True,
            "active": True,
            "deprecated": False,
            "inputs": 0,
            "tags": ["a", "b"],
        }
    ]


def test_several_catalogs_are_told_apart(file: Path, tmp_path: Path):
    other = written(tmp_path / "other.json", catalog(api(), name="store"))
    lines = codegen("list", file, other).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["catalog", "shop", "shop", "shop", "store"]


def test_an_empty_list_says_so(file: Path):
    result = codegen("list", file, "--tag", "none")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No API of these catalogs fits.\n")


def test_what_would_steer_a_terminal_is_shown_escaped(tmp_path: Path):
    file = written(tmp_path / "a.json", catalog(api(tags=["\x1b[31m\u202ered"])))
    assert "\\x1b[31m\\u202ered" in codegen("list", file).stdout


@pytest.mark.parametrize("verb", ["list", "validate", "generate"])
def test_a_folder_stands_for_the_catalog_in_it(tmp_path: Path, verb: str):
    (tmp_path / "shop").mkdir()
    written(tmp_path / "shop" / "api_catalog.json", catalog(api(), name="shop"))
    assert codegen(verb, tmp_path / "shop", *(["--out", tmp_path] if verb == "generate" else [])).exit_code == 0
    missing = codegen(verb, tmp_path)
    assert (missing.exit_code, "there is no catalog in this folder" in missing.stderr) == (1, True)
