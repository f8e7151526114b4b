"""What a model is asked, from the templates in `prompts/`, and the shape that its answer has to have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from mcp_codegen.enrichment.planning import Question
from mcp_codegen.literals import json_text
from mcp_codegen.texts import facts

VERSION: Final = "1"
"""Of the prompt; noted with each text. Raise it with every change of meaning."""
_LONGEST: Final = 600
"""Characters of a text that is given as a fact."""

Messages = list[dict[str, str]]


def keys(question: Question) -> dict[str, str]:
    """The key of each place in the answer: short, and of letters that every service takes."""
    return {f"t{number}": place.pointer for number, place in enumerate(question.places, 1)}


def messages(question: Question, catalog: Mapping[str, Any], language: str) -> Messages:
    """The conversation. catalog: its data; nothing of it is given but titles, names, types, constraints and texts."""
    wanted = {
        key: {"place": place.pointer.removeprefix(question.unit), "wanted": place.key, "facts": _cut(place.facts)}
        for key, place in zip(keys(question), question.places, strict=True)
    }
    environment = Environment(  # noqa: S701 - the output is no HTML
        loader=PackageLoader("mcp_codegen.enrichment", "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    about = {"catalog": _json(_cut(facts(catalog))), "part": _json(_cut(question.about)), "wanted": _json(wanted)}
    return [
        {"role": "system", "content": environment.get_template("system.jinja").render(language=language)},
        {"role": "user", "content": environment.get_template("user.jinja").render(about)},
    ]


def answer_schema(question: Question) -> dict[str, Any]:
    """Texts under the keys, and nothing else."""
    properties = {key: {"type": "string", "description": where} for key, where in keys(question).items()}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "texts", "strict": True, "schema": schema}}


def size(question: Question, catalog: Mapping[str, Any], language: str) -> int:
    """Bytes of a request's prompt."""
    texts = [one["content"] for one in messages(question, catalog, language)]
    return sum(len(text.encode()) for text in (*texts, json.dumps(answer_schema(question))))


def _cut(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value[:_LONGEST] if isinstance(value, str) else value for key, value in said.items()}


def _json(value: Any) -> str:  # noqa: ANN401 - JSON
    return json_text(value, indent=None)
