"""What the linter says of a catalog and of `descriptions.json` beside it, with lines, allowances and memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from mcp_codegen import linting, memory
from mcp_codegen.errors import Diagnostic, Problem
from mcp_codegen.linting import RULES, Finding, Written
from mcp_codegen.pipeline import Loaded


@dataclass(frozen=True, slots=True)
class Told:
    """A finding and where it stands in its file."""

    finding: Finding
    diagnostic: Diagnostic

    def __str__(self) -> str:
        return f"{self.finding.level}: {self.diagnostic} [{self.finding.rule}]"


def review(loaded: Loaded) -> list[Told]:
    """Everything that is found, what is allowed with its reason, by file and line."""
    own, others = _findings(loaded)
    allowances = loaded.catalog.catalog.lint
    used: set[int] = set()

    def judged(one: Finding) -> Finding:
        for index, allowed in enumerate(allowances):
            if allowed.rule == one.rule and fnmatchcase(one.place, allowed.at):
                used.add(index)
                return replace(one, reason=allowed.reason)
        return one

    own, others = [judged(one) for one in own], [judged(one) for one in others]
    own += [
        Finding("unused-allowance", ("lint", index), f"/lint/{index}", "nothing that this allows was found")
        for index in range(len(allowances))
        if index not in used
    ]
    return sorted([*_catalogs(own, loaded), *_texts(others, loaded)], key=lambda one: one.diagnostic)


def flagged(loaded: Loaded, cache: Path | None) -> list[Diagnostic]:
    """What somebody has to look at. cache: where it is remembered for the same files, so that it costs nothing."""
    beside = loaded.descriptions.read
    files = [(one.file, one.text) for one in (loaded.read, beside) if one]
    (key,) = memory.keys([json.dumps(["lint", files])]) if cache else ("",)
    known = memory.recall(cache, key)
    if known is not None:
        return [Diagnostic(**json.loads(one)) for one in known.values()]
    found = [_named(one) for one in review(loaded) if one.finding.is_flagged]
    memory.note(cache, key, {f"{number:06}": json.dumps(asdict(one)) for number, one in enumerate(found)})
    return found


def as_data(told: Iterable[Told]) -> list[dict[str, object]]:
    """For programs."""
    return [
        {"level": one.finding.level, "rule": one.finding.rule, "place": one.finding.place}
        | asdict(one.diagnostic)
        | ({"allowed": one.finding.reason} if one.finding.reason else {})
        for one in told
    ]


def _named(one: Told) -> Diagnostic:
    return replace(one.diagnostic, message=f"{one.diagnostic.message} [{one.finding.rule}]")


def _findings(loaded: Loaded) -> tuple[list[Finding], list[Finding]]:
    """Those of the catalog, and those of the texts beside it."""
    written = [Written(("texts", at, "text"), at, one.text, "text") for at, one in loaded.descriptions.texts.items()]
    return (
        list(linting.lint(loaded.data, loaded.described)),
        list(linting.review(written, loaded.data)),
    )


def _catalogs(found: list[Finding], loaded: Loaded) -> Iterator[Told]:
    is_list = isinstance(loaded.read.data, list)
    problems = [_problem(one, one.pointer[1:] if is_list else one.pointer) for one in found]
    yield from map(Told, found, loaded.read.diagnostics(problems))


def _texts(found: list[Finding], loaded: Loaded) -> Iterator[Told]:
    problems = [_problem(one, one.pointer) for one in found]
    yield from map(Told, found, loaded.descriptions.diagnostics(problems))


def _problem(one: Finding, pointer: tuple[str | int, ...]) -> Problem:
    return Problem(pointer, one.said, RULES[one.rule].hint)
