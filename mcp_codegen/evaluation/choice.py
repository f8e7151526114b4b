"""Which tool a language model calls for a question, and with what. What it calls is compared, and never run.

In search mode the model searches first: finding and describing run on the server, for they call no API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcp_codegen.errors import shown
from mcp_codegen.evaluation.questions import Question
from mcp_codegen.language_models import FailedError, LostError, RefusedError, Service, complete

if TYPE_CHECKING:
    from mcp import Client
    from openai import AsyncAzureOpenAI, AsyncOpenAI

ROUNDS: Final = 8
"""Answers of a model, at most, before it has called a tool."""
LONGEST: Final = 50_000
"""Characters of a server's answer that a model is shown."""
FIND, DESCRIBE, CALL = "find_tools", "describe_tool", "call_tool"
_TASK: Final = "Answer the question by calling one tool, with the arguments that follow from it. Ask nothing back."

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model chose for a question."""

    question: Question
    tool: str = ""
    """Empty where it called none."""
    arguments: Json | None = None
    """None where they are no JSON object."""
    rounds: int = 0
    tokens: int = 0
    problem: str = ""
    """Why there is no choice."""

    @property
    def is_right(self) -> bool:
        """Whether it is a tool that answers the question."""
        return self.tool in self.question.tools

    @property
    def is_exact(self) -> bool:
        """Whether, besides, every argument that follows from the question is as it should be."""
        given = self.arguments
        return self.is_right and given is not None and self.question.arguments.items() <= dict(given).items()


@dataclass(frozen=True, slots=True)
class Chooser:
    """A model, and the server whose tools it is shown."""

    connection: AsyncOpenAI | AsyncAzureOpenAI
    service: Service
    server: Client
    tools: Sequence[Json]
    """As chat completions want them."""
    searches: bool

    async def choose(self, question: Question) -> Choice:
        """The model's choice. Raises `SettingsError` where the service cannot be used at all."""
        messages: list[Any] = [{"role": "system", "content": _TASK}, {"role": "user", "content": question.ask}]
        tokens = 0
        for number in range(1, ROUNDS + 1):
            try:
                answer = await complete(self.connection, self.service, messages=messages, tools=self.tools)
            except LostError as error:  # another round: it may have been the network's
                if number < ROUNDS:
                    continue
                return Choice(question, rounds=number, tokens=tokens, problem=str(error))
            except (RefusedError, FailedError) as error:
                return Choice(question, rounds=number, tokens=tokens, problem=str(error))
            used = getattr(getattr(answer, "usage", None), "total_tokens", 0)
            tokens += used if isinstance(used, int) else 0
            call = _call(answer)
            if call is None:
                return Choice(question, rounds=number, tokens=tokens, problem="it called no tool")
            identity, name, arguments = call
            if not self.searches or name not in (FIND, DESCRIBE):
                name, arguments = _meant(name, arguments) if self.searches else (name, arguments)
                return Choice(question, name, arguments, number, tokens)
            messages += _exchange(identity, name, arguments, await self._run(name, arguments))
        return Choice(question, rounds=ROUNDS, tokens=tokens, problem="it only searched")

    async def _run(self, name: str, arguments: Json | None) -> str:
        result = await self.server.call_tool(name, dict(arguments or {}))
        texts = [block.text for block in result.content if block.type == "text"]
        return "\n".join(texts)[:LONGEST]


async def offered(server: Client) -> list[Json]:
    """The server's tools as chat completions want them."""
    listed = (await server.list_tools()).tools
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema},
        }
        for tool in listed
    ]


def rates(choices: Sequence[Choice]) -> tuple[float, float]:
    """The part of the questions with the right tool, and with the right arguments too: from 0 to 1."""
    many = max(len(choices), 1)
    return sum(one.is_right for one in choices) / many, sum(one.is_exact for one in choices) / many


def _call(answer: Any) -> tuple[str, str, Json | None] | None:  # noqa: ANN401 - whatever the service sent
    """The first call of a tool in an answer: its id, the tool, and the arguments, None where they cannot be read."""
    message = getattr(_first(getattr(answer, "choices", None)), "message", None)
    call = _first(getattr(message, "tool_calls", None))
    function = getattr(call, "function", None)
    name = getattr(function, "name", None)
    if not isinstance(name, str):
        return None
    return str(getattr(call, "id", "")), name, _object(getattr(function, "arguments", None))


def _first(found: object) -> object:
    return found[0] if isinstance(found, list) and found else None


def _object(text: object) -> Json | None:
    try:
        found = json.loads(text) if isinstance(text, str) and len(text) <= LONGEST else text
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _meant(name: str, arguments: Json | None) -> tuple[str, Json | None]:
    """The tool behind a call through `call_tool`."""
    if name != CALL or arguments is None:
        return name, arguments
    return str(arguments.get("name", "")), _object(arguments.get("arguments", {}))


def _exchange(identity: str, name: str, arguments: Json | None, said: str) -> list[Json]:
    function = {"name": name, "arguments": json.dumps(arguments or {})}
    call = {"id": identity, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": identity, "content": said},
    ]


def told(choice: Choice) -> str:
    """What was chosen, in a few words that do nothing to a terminal."""
    if choice.problem:
        return choice.problem
    arguments = "no JSON object" if choice.arguments is None else json.dumps(choice.arguments, ensure_ascii=False)
    return f"{shown(choice.tool)} with {shown(arguments)}"
