"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Final

from mcp_codegen.errors import Diagnostic
from mcp_codegen.linting.findings import RULES, Finding

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(found: Iterable[tuple[Finding, Diagnostic]], version: str) -> dict[str, Any]:
    """One run. What is allowed is a result that is suppressed, with the reason. version: the program's."""
    ids = list(RULES)
    rules = [
        {
            "id": name,
            "shortDescription": {"text": rule.about},
            "help": {"text": rule.hint[:1].upper() + rule.hint[1:] + "."},
            "defaultConfiguration": {"level": rule.level},
        }
        for name, rule in RULES.items()
    ]
    results = [_result(one, where, ids.index(one.rule)) for one, where in found]
    driver = {"name": "mcp-codegen", "version": version, "semanticVersion": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Finding, where: Diagnostic, index: int) -> dict[str, Any]:
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(where.file)},
            "region": {"startLine": where.line, "startColumn": where.column},
        },
        "logicalLocations": [{"fullyQualifiedName": one.place, "kind": "member"}],
    }
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.level,
        "message": {"text": f"{one.said}; {where.hint}"},
        "locations": [place],
    }
    if one.reason:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": one.reason}]
    return result


def _uri(file: str) -> str:
    """A path below the folder that the program runs in stays relative, as code hosts want it."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else path.as_posix().replace(" ", "%20")
