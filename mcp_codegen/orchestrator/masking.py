"""Personal data: how fields are marked, and how they are kept out of everything that is shown.

The database holds inputs and answers in clear, because a replay needs them. Whatever shows a run (history, reports, an
API, result files) passes it through `masked` first, or says that it shows personal data because it was asked to.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import AliasChoices, BaseModel, Field, JsonValue, RootModel
from pydantic.fields import ComputedFieldInfo, FieldInfo
from typing_extensions import is_typeddict

from mcp_codegen.orchestrator.record import ErrorRecord, Measure, RunRecord, StepRecord

MASK = "***"
SHORTEST = 4
"""Characters that a personal value must have to be looked for in other texts: shorter ones are part of any."""
LOOKED_FOR = 500
"""Personal values that are looked for in the texts of a run; where there are more, its texts are masked whole."""

ValueT = TypeVar("ValueT")

Personal = Annotated[ValueT, Field(json_schema_extra={"secret": True})]
"""Marks a field of a process's input, output or step value as personal data: `rut: Personal[str]`.

The members that a catalog marks `secret` are known by the `Field(repr=False)` of their generated models.
"""


def masked(record: RunRecord) -> RunRecord:
    """The run as it may be shown.

    Members with the name of a marked one are masked wherever they stand in the input, the output and the values of
    steps, and so are their values inside of other texts: an error that quotes a phone number does not.
    """
    personal = frozenset(record.personal).union(*(step.personal for step in record.steps))
    if not personal:
        return record
    hide = _Hiding(personal, [record.input, record.output, *(step.data for step in record.steps)])
    update = {
        "input": hide(record.input),
        "output": hide(record.output),
        "error": hide.error(record.error),
        "steps": tuple(hide.step(step) for step in record.steps),
        "measures": record.measures and tuple(hide.measure(each) for each in record.measures),
    }
    return record.model_copy(update=update)


def masked_steps(steps: Sequence[StepRecord], given: object = None, personal: Collection[str] = ()) -> list[StepRecord]:
    """The steps of a run that has not ended as they may be shown, from its input and what is personal in it."""
    known = frozenset(personal).union(*(step.personal for step in steps))
    hide = _Hiding(known, [given, *(step.data for step in steps)])
    return [hide.step(step) for step in steps] if known else list(steps)


def masked_data(data: Any, personal: Collection[str]) -> Any:  # noqa: ANN401 - JSON
    """JSON as it may be shown, where members of these names are personal; see `names`."""
    return _Hiding(frozenset(personal), [data])(data) if personal else data


@cache
def names(model: type[BaseModel]) -> frozenset[str]:
    """The names, in Python and in JSON, of the members that are marked in a model or anywhere in what it holds."""
    found, seen, waiting = set[str](), set[object](), list(_parts(model))
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        for called, info, annotation in _members(kind):
            parts = list(_parts(annotation))
            if _is_marked(info) or any(map(_is_marked, parts)):
                found |= called
            waiting += [part for part in parts if isinstance(part, type)]
    return frozenset(found)


class _Hiding:
    """What is hidden in one run: members by their names, and their values wherever else they stand."""

    def __init__(self, personal: frozenset[str], held: Iterable[object]) -> None:
        self._personal = personal
        words = {word for each in held for word in _words(each, personal, inside=False)}
        longest_first = sorted(words, key=lambda word: (-len(word), word))
        self._everything = len(words) > LOOKED_FOR
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def __call__(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        match value:
            case str():
                return self.text(value)
            case dict():
                hidden: dict[str, JsonValue] = {}
                for name, member in value.items():
                    kept = member is None or name not in self._personal
                    hidden[_free(hidden, self.text(name))] = self(member) if kept else MASK
                return hidden
            case list():
                return [self(each) for each in value]
            case int() | float() if not isinstance(value, bool):
                return value if self.text(str(value)) == str(value) else MASK
        return value

    def text(self, text: str) -> str:
        if self._everything:
            return MASK if len(text) >= SHORTEST else text
        return self._pattern.sub(MASK, text)

    def error(self, error: ErrorRecord | None) -> ErrorRecord | None:
        if error is None:
            return None
        texts = {name: self.text(getattr(error, name)) for name in ("message", "hint", "detail")}
        return error.model_copy(update=texts)

    def measure(self, measure: Measure) -> Measure:
        return measure.model_copy(update={"name": self.text(measure.name), "group": self.text(measure.group)})

    def step(self, step: StepRecord) -> StepRecord:
        update = {
            "title": self.text(step.title),
            "data": self(step.data),
            "error": self.error(step.error),
            "reason": self.text(step.reason) if step.reason is not None else None,
            "retried": tuple(
                attempt.model_copy(update={"error": self.error(attempt.error)}) for attempt in step.retried
            ),
        }
        return step.model_copy(update=update)


def _words(value: object, personal: frozenset[str], *, inside: bool) -> Iterator[str]:
    """The values of personal members that are long enough to be told from any other text."""
    match value:
        case dict():
            for name, member in value.items():
                yield from _words(member, personal, inside=inside or name in personal)
        case list():
            for each in value:
                yield from _words(each, personal, inside=inside)
        case bool() | None:
            return
        case _ if inside and len(str(value).strip()) >= SHORTEST:
            yield str(value).strip()


def _free(taken: Mapping[str, object], name: str) -> str:
    """Two members whose names were masked stay two."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _members(kind: object) -> Iterator[tuple[set[str], object, object]]:
    """The members of a model, a typed dictionary or a dataclass: names, what is said of them, and their types."""
    if isinstance(kind, type) and issubclass(kind, RootModel):
        return  # it is its root, which `_parts` gives
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            yield _called(name, info), info, info.annotation
        for name, computed in kind.model_computed_fields.items():
            yield {name, computed.alias or name}, computed, computed.return_type
    elif is_typeddict(kind) or dataclasses.is_dataclass(kind):
        for name, annotation in get_type_hints(kind, include_extras=True).items():
            yield {name}, None, annotation


def _called(name: str, info: FieldInfo) -> set[str]:
    aliases = [info.alias, info.serialization_alias, info.validation_alias]
    if isinstance(info.validation_alias, AliasChoices):
        aliases += [choice for choice in info.validation_alias.choices if isinstance(choice, str)]
    return {name, *(alias for alias in aliases if isinstance(alias, str))}


def _parts(annotation: object, seen: frozenset[int] = frozenset()) -> Iterator[object]:
    """A type, the types that it is made of, and what is said of each of them."""
    if id(annotation) in seen:
        return
    seen |= {id(annotation)}
    yield annotation
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = annotation.model_fields["root"]
        yield root
        yield from _parts(root.annotation, seen)
    for part in (getattr(annotation, "__value__", None), *get_args(annotation)):  # of a type alias; of a generic type
        if part is not None:
            yield from _parts(part, seen)


def _is_marked(said: object) -> bool:
    if not isinstance(said, FieldInfo | ComputedFieldInfo):
        return False
    extra = said.json_schema_extra
    return not said.repr or (isinstance(extra, dict) and extra.get("secret") is True)
