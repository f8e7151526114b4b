"""`mcp-codegen evaluate --ask`: which tool a model calls, of a service that is really asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.agents.chat import Chat, chatting
from tests.generated import codegen

TELEFONICA = Path("catalog/telefonica").resolve()
DEBT = {"customerIdentification": "198765432", "type": "RUT"}
KEY = "sk-s3cret"


@dataclass
class Scripted(Chat):
    """A model that makes these calls one after the other, for each question."""

    calls: list[tuple[str, Any]] = field(default_factory=list)

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = sum(message["role"] == "tool" for message in asked["messages"])
        if number >= len(self.calls):
            return {"role": "assistant", "content": "I do not know."}
        name, arguments = self.calls[number]
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": written}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    with chatting(Scripted("", {})) as chat:
        for name, value in {"OPENAI_API_KEY": KEY, "OPENAI_MODEL": "m", "OPENAI_BASE_URL": f"{chat.url}/v1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AZURE_OPENAI_ENDPOINT", raising=False)
        yield chat


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"questions": [{"ask": "¿Cuánto debe?", "tool": "deuda_fija", "arguments": DEBT}]}))
    return file


def asked(questions: Path, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was chosen for the question, and the figures."""
    result = codegen("evaluate", TELEFONICA, "--questions", questions, "--ask", "--json", *words)
    assert KEY not in result.output
    told = json.loads(result.stdout)
    return told["questions"][0]["chosen"], told["choices"]


@pytest.mark.parametrize(
    ("call", "right", "exact"),
    [
        (("deuda_fija", {**DEBT, "document": "1"}), True, True),
        (("deuda_fija", {**DEBT, "type": "DNI"}), True, False),
        (("deuda_fija", "{'no': json"), True, False),
        (("deuda_fija", "[]"), True, False),
        (("listado_de_boletas_fija", DEBT), False, False),
        (("\x1b[31m", "{}"), False, False),
    ],
)
def test_a_choice_is_compared_with_what_answers_the_question(chat: Scripted, questions: Path, call, right, exact):
    chat.calls = [call]
    chosen, figures = asked(questions)
    assert (chosen["right"], chosen["exact"]) == (right, exact)
    assert figures == {"model": "m", "right": float(right), "exact": float(exact)}
    assert chat.shown == ["deuda_fija", "listado_de_boletas_fija", "retrieve_invoice_link"]
    assert chat.asked[0]["messages"][1] == {"role": "user", "content": "¿Cuánto debe?"}


def test_a_model_that_searches_is_answered_by_the_server_until_it_calls(chat: Scripted, questions: Path):
    chat.calls = [
        ("find_tools", {"query": "deuda"}),
        ("describe_tool", {"name": "deuda_fija"}),
        ("call_tool", {"name": "deuda_fija", "arguments": DEBT}),
    ]
    chosen, _ = asked(questions, "--tools", "search")
    assert (chosen["tool"], chosen["exact"], chosen["rounds"], chosen["tokens"]) == ("deuda_fija", True, 3, 6)
    assert chat.shown == ["find_tools", "describe_tool", "call_tool"]
    found, described = (message["content"] for message in chat.asked[2]["messages"] if message["role"] == "tool")
    assert json.loads(found)["tools"][0]["name"] == "deuda_fija"
    assert json.loads(described)["inputSchema"]["required"] == ["customerIdentification", "type", "document"]


@pytest.mark.parametrize(
    ("calls", "problem"),
    [([], "it called no tool"), ([("find_tools", {"query": "x"})] * 20, "it only searched")],
)
def test_a_model_that_calls_nothing_is_told(chat: Scripted, questions: Path, calls, problem: str):
    chat.calls = calls
    chosen, figures = asked(questions, "--tools", "search", "--fail-under", "0.1")
    assert (chosen["problem"], figures["right"]) == (problem, 0.0)


def test_people_read_how_many_were_right(chat: Scripted):
    chat.calls = [("deuda_fija", DEBT)]
    result = codegen("evaluate", TELEFONICA, "--ask", "--fail-under", "0.5")
    assert result.exit_code == 1
    assert "33% of the tools right" in result.stdout
    assert len(chat.asked) == 9


def test_without_a_model_the_settings_are_named(monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    result = codegen("evaluate", TELEFONICA, "--ask")
    assert result.exit_code == 1
    assert result.stderr.startswith("no language model is configured; set OPENAI_API_KEY")
