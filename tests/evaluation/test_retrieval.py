"""`mcp-codegen evaluate`: whether searching finds the tool that answers a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.descriptions import FILES, WHY_NOT
from tests.generated import codegen

TELEFONICA = Path("catalog/telefonica").resolve()
QUESTIONS = sorted((Path(__file__).parent / "questions").glob("*.json"))
GOOD = 0.95
"""Of the questions, the part whose tool is to be among the first five."""


def asked(file: Path, *questions: dict[str, Any]) -> Path:
    file.write_text(json.dumps({"questions": questions}))
    return file


def test_the_flagships_questions_find_their_tools():
    result = codegen("evaluate", TELEFONICA, "--fail-under", GOOD)
    assert result.exit_code == 0, result.stdout
    assert result.stdout.rstrip().endswith("100% among the first 3, 100% among the first 5")


@pytest.mark.parametrize("questions", QUESTIONS, ids=lambda path: path.stem)
def test_questions_about_real_apis_find_their_tools(tmp_path: Path, questions: Path):
    spec = next((file for file in FILES if file.parent.name == questions.stem), None)
    if spec is None:
        pytest.skip(WHY_NOT)
    catalog = tmp_path / "api_catalog.json"
    assert codegen("import", spec, "--out", catalog).exit_code == 0
    result = codegen("evaluate", catalog, "--questions", questions, "--fail-under", GOOD, "--json")
    assert result.exit_code == 0, result.stdout


def test_what_was_found_is_told_for_programs(tmp_path: Path):
    right = {"ask": "deuda del cliente", "tool": ["retrieve_invoice_link", "deuda_fija"]}
    wrong = {"ask": "zeppelin", "tool": "deuda_fija", "arguments": {"type": "RUT"}}
    result = codegen("evaluate", TELEFONICA, "--questions", asked(tmp_path / "q.json", right, wrong), "--json")
    told = json.loads(result.stdout)
    assert told["among"] == {"1": 0.5, "3": 0.5, "5": 0.5}
    assert [(one["place"], one["found"][:1]) for one in told["questions"]] == [(1, ["deuda_fija"]), (None, [])]


def test_fewer_than_asked_for_is_told_by_the_exit_code(tmp_path: Path):
    questions = asked(tmp_path / "q.json", {"ask": "zeppelin", "tool": "deuda_fija"})
    assert codegen("evaluate", TELEFONICA, "--questions", questions).exit_code == 0
    assert codegen("evaluate", TELEFONICA, "--questions", questions, "--fail-under", 0.5).exit_code == 1


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"ask": "x", "tool": "pago_en_linea"}, "questions[0].tool: the catalog has no active tool 'pago_en_linea'"),
        ({"ask": "x", "tool": "\x1b[31m"}, r"the catalog has no active tool '\x1b[31m'"),
        ({"ask": "", "tool": "deuda_fija"}, "questions[0].ask: must have at least 1 character"),
        ({"ask": "x", "tool": "deuda_fija", "args": {}}, "questions[0].args"),
    ],
)
def test_a_mistake_in_the_questions_is_told_where_it_stands(tmp_path: Path, question: dict[str, Any], told: str):
    result = codegen("evaluate", TELEFONICA, "--questions", asked(tmp_path / "q.json", question))
    assert result.exit_code == 1
    assert result.stderr.startswith(str(tmp_path / "q.json"))
    assert told in result.stderr


def test_a_catalog_without_questions_names_the_file_that_it_would_have(tmp_path: Path):
    catalog = tmp_path / "api_catalog.json"
    catalog.write_text((TELEFONICA / "api_catalog.json").read_text("utf-8"), "utf-8")
    result = codegen("evaluate", catalog)
    assert (result.exit_code, str(tmp_path / "questions.json") in result.stderr) == (1, True)
