"""Whether searching finds the tool that answers a question, and at which place."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcp_codegen.evaluation.questions import Question

if TYPE_CHECKING:
    from mcp import Client

PLACES: Final = (1, 3, 5)
"""Among how many tools the right one should be."""
DEEPEST: Final = 25
"""Tools that are looked at; as many as a search gives at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found for a question."""

    question: Question
    names: tuple[str, ...]
    """The best first."""

    @property
    def place(self) -> int | None:
        """Of the first tool that answers it, from 1; None where it was not found."""
        return next((place for place, name in enumerate(self.names, 1) if name in self.question.tools), None)


async def searched(client: Client, questions: Sequence[Question]) -> AsyncIterator[Found]:
    """Each question, asked of a server in search mode in the question's own words."""
    for question in questions:
        result = await client.call_tool("find_tools", {"query": question.ask[:1000], "limit": DEEPEST})
        block = result.content[0]
        told = json.loads(block.text) if block.type == "text" and not result.is_error else {"tools": []}
        yield Found(question, tuple(tool["name"] for tool in told["tools"]))


def rates(found: Sequence[Found]) -> dict[int, float]:
    """The part of the questions whose tool is among the first 1, 3 and 5: from 0 to 1."""
    return {
        most: sum(one.place is not None and one.place <= most for one in found) / max(len(found), 1) for most in PLACES
    }
