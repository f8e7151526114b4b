"""What was found, and how it is told: each finding with its remedy, and no secret in any of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from ..exchange import SHORTEST_SECRET
from ..masking import masked

Level = Literal["ok", "warning", "problem"]
MARKS: Mapping[Level, str] = {"ok": "✓", "warning": "!", "problem": "✗"}
PLAIN_MARKS: Mapping[Level, str] = {"ok": "ok", "warning": "!", "problem": "X"}
"""For terminals that cannot show the others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    remedy: str = ""


def fine(what: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", what)


def warning(what: str, remedy: str) -> Finding:
    """It works, or may work, and should be looked after."""
    return Finding("warning", what, remedy)


def problem(what: str, remedy: str) -> Finding:
    """It cannot work like this."""
    return Finding("problem", what, remedy)


@dataclass(slots=True)
class Report:
    """Everything that was found, told section by section, or in the end as JSON. secrets: what is never told."""

    program: str
    version: str
    as_json: bool
    secrets: tuple[str, ...] = ()
    sections: dict[str, list[Finding]] = field(default_factory=dict)

    def tell(self, title: str, findings: Iterable[Finding]) -> list[Finding]:
        """Keep a section's findings, and print them unless it is all to be JSON."""
        self.sections[title] = told = [self._safe(finding) for finding in findings]
        if told and not self.as_json:
            _print([*([] if len(self.sections) > 1 else [f"{self.program} {self.version}"]), "", title])
            _print(line for finding in told for line in _lines(finding))
        return told

    def finish(self) -> int:
        """Print the end; the exit code: 1 if there is a problem."""
        counts = {level: sum(one.level == level for _, one in self._all()) for level in MARKS}
        if self.as_json:
            findings = [{"section": title, **asdict(one)} for title, one in self._all()]
            whole = {"program": self.program, "version": self.version, "findings": findings}
            print(json.dumps(whole | {"problems": counts["problem"], "warnings": counts["warning"]}, indent=2))
        else:
            _print(["", f"{_count(counts['problem'], 'problem')}, {_count(counts['warning'], 'warning')}"])
        return 1 if counts["problem"] else 0

    def _all(self) -> Iterator[tuple[str, Finding]]:
        return ((title, one) for title, findings in self.sections.items() for one in findings)

    def _safe(self, finding: Finding) -> Finding:
        """No finding is made with a secret in it; should one slip in, it ends here."""
        secrets = tuple(secret for secret in self.secrets if len(secret) >= SHORTEST_SECRET)
        what, remedy = (masked(text.encode(), secrets).decode() for text in (finding.what, finding.remedy))
        return Finding(finding.level, what, remedy)


def _lines(finding: Finding) -> Iterator[str]:
    marks = MARKS if _shows("".join(MARKS.values())) else PLAIN_MARKS
    width = max(map(len, marks.values()))
    yield f"  {marks[finding.level]:<{width}} {finding.what}"
    if finding.remedy:
        yield f"  {'':<{width}}   {finding.remedy}"


def _shows(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _print(lines: Iterable[str]) -> None:
    """Lines of whatever text, with nothing in them that a terminal would obey or could not show."""
    for line in lines:
        plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
        encoding = sys.stdout.encoding or "ascii"
        print(plain.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
