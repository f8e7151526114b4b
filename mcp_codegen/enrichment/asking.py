"""One question to a language model, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcp_codegen.language_models import Service, complete

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI, AsyncOpenAI

_LONGEST_NAME: Final = 100
_MOST_TOKENS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    content: str
    is_cut: bool
    model: str
    tokens_in: int | None
    tokens_out: int | None


async def ask(
    connection: AsyncOpenAI | AsyncAzureOpenAI,
    one: Service,
    messages: list[dict[str, str]],
    form: dict[str, Any],
    most_tokens: int,
) -> Reply:
    """One request. Raises `SettingsError`, `RefusedError`, `FailedError`, `LostError`."""
    request = {"messages": messages, "response_format": form, "max_completion_tokens": most_tokens}
    return _reply(await complete(connection, one, **request), one)


def _reply(found: Any, one: Service) -> Reply:  # noqa: ANN401 - whatever the service sent
    choices = getattr(found, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    content = getattr(getattr(choice, "message", None), "content", None)
    usage, model = getattr(found, "usage", None), getattr(found, "model", None)
    return Reply(
        content if isinstance(content, str) else "",
        getattr(choice, "finish_reason", None) == "length",
        (model if isinstance(model, str) and 0 < len(model) <= _LONGEST_NAME and model.isprintable() else one.model),
        _count(getattr(usage, "prompt_tokens", None)),
        _count(getattr(usage, "completion_tokens", None)),
    )


def _count(found: object) -> int | None:
    """A number of tokens; None for what can be none."""
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < _MOST_TOKENS else None
