"""Catalogs that are wrong, and everything that is said about each: `rejected/<case>.txt`, as it stands on stderr.

After a wanted change of a message, `pytest tests/test_rejected.py --snapshot-update` writes these files anew. Then read
them as somebody would who knows neither Pydantic nor JSON Schema: does each line say where, what, and what to do?
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generated import codegen

REJECTED = Path(__file__).parent / "rejected"
CASES = sorted(file.name for file in REJECTED.iterdir() if file.suffix != ".txt")
SECRET = "sEcReT-canary"


@pytest.fixture
def in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REJECTED)


@pytest.mark.usefixtures("in_the_folder")
@pytest.mark.parametrize("name", CASES)
def test_everything_wrong_with_a_catalog_is_said_at_once_with_place_and_remedy(name: str, golden):
    result = codegen("validate", name)
    assert result.exit_code == 1
    assert result.stdout == ""
    golden.file((REJECTED / name).with_suffix(f"{Path(name).suffix}.txt"), result.stderr)
    for line in result.stderr.splitlines():
        place, _, said = line.partition(": ")
        assert place.rpartition(":")[0].rpartition(":")[0] == name
        assert ": " in said
        assert "; " in said
    assert result.stderr.isprintable() or set(filter(lambda c: not c.isprintable(), result.stderr)) == {"\n"}
    assert SECRET not in result.output


@pytest.mark.usefixtures("in_the_folder")
@pytest.mark.parametrize("name", CASES)
def test_programs_are_told_the_same_as_people(name: str):
    told = codegen("validate", "--json", name)
    assert told.exit_code == 1
    assert SECRET not in told.output
    lines = [
        f"{o['file']}:{o['line']}:{o['column']}: {o['pointer']}: {o['message']}; {o['hint']}"
        for o in json.loads(told.stdout)
    ]
    assert lines == codegen("validate", name).stderr.splitlines()


def test_no_golden_message_is_left_without_its_catalog():
    assert {file.name for file in REJECTED.glob("*.txt")} == {f"{name}.txt" for name in CASES}


@pytest.mark.usefixtures("in_the_folder")
def test_nothing_is_generated_from_a_rejected_catalog(tmp_path: Path):
    result = codegen("generate", "all_at_once.json", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr == (REJECTED / "all_at_once.json.txt").read_text("utf-8")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("in_the_folder")
def test_problems_of_several_catalogs_are_told_in_one_run():
    result = codegen("validate", "names.json", "no_apis.json", "missing.json")
    both = [line for name in ("names", "no_apis") for line in (REJECTED / f"{name}.json.txt").read_text().splitlines()]
    missing = "missing.json:1:1: $: there is no such file; check the path"
    assert result.stderr.splitlines() == [missing, *both]


@pytest.mark.parametrize("words", [["validate"], ["validate", "--json"], ["generate"]])
def test_as_a_command_it_exits_with_one_and_without_a_traceback(words: list[str]):
    command = [sys.executable, "-m", "mcp_codegen", *words, "all_at_once.json"]
    ended = subprocess.run(command, cwd=REJECTED, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 1
    if "--json" in words:
        assert len(json.loads(ended.stdout)) > 1
        assert ended.stderr == ""
    else:
        assert ended.stdout == ""
        assert ended.stderr == (REJECTED / "all_at_once.json.txt").read_text("utf-8")
    assert not (REJECTED / "out").exists()


def test_a_catalog_without_problems_is_said_to_be_one(tmp_path: Path):
    file = tmp_path / "api_catalog.json"
    file.write_text('{"name": "shop", "apis": [{"name": "a", "httpMethod": "GET", "endpoint": "/a"}]}')
    result = codegen("validate", file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{file}: 1 active API, no problems\n"
    assert codegen("validate", "--json", file).stdout == "[]\n"


def test_a_gateways_policy_of_pages_that_no_api_has_a_use_for_is_a_note(tmp_path: Path):
    file = tmp_path / "shop.json"
    api = {"name": "a", "httpMethod": "GET", "endpoint": "/a", "gateway": "one"}
    gateways = {"one": {"baseUrl": "${ONE_URL}", "pagination": {"type": "offset"}}}
    file.write_text(json.dumps({"name": "shop", "gateways": gateways, "apis": [api]}))
    result = codegen("validate", file)
    assert result.exit_code == 0
    assert "no API of this gateway has the inputs that this names and answers a list" in result.stderr


def test_what_is_merely_ignored_is_a_note(tmp_path: Path):
    file = tmp_path / "shop.json"
    file.write_text('[{"name": "a", "httpMethod": "GET", "endpoint": "/a", "pythonExample": "1"}]')
    result = codegen("validate", file)
    assert result.exit_code == 0
    assert result.stderr == f"note: {file}:1:55: [0].pythonExample: this key is ignored; remove it when you like\n"
