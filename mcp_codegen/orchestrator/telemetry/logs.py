"""The log as lines of JSON: what happened, in which run and step, in which trace; without secrets and personal data.

Only fields that are known by name get into a line, and of foreign libraries only their warnings. Texts are ours, with
what looks like a secret or a personal value taken out: long digits, e-mail addresses, bearer tokens, passwords in URLs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from mcp_codegen.orchestrator.masking import MASK
from mcp_codegen.orchestrator.telemetry import tracing

OWN = "mcp_codegen.orchestrator"
PROCESS = "business_process"
"""Records of Python's logging have a `process` of their own: the number of the machine's."""
FIELDS = ("run_id", "step", "batch", "attempts", "duration", "error_code", "http_status", "alert")
LONGEST = 4_000

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(://[^/\s:@]*):[^/\s@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"(?i)\b(password|passwd|secret|token|api[-_ ]?key|authorization)(\"?\s*[=:]\s*)\S+"), rf"\1\2{MASK}"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), MASK),
    (re.compile(r"(?<![\w-])\+?\d{7,}(?![\w-])"), MASK),
)


def clean(text: str) -> str:
    """A text without what looks like a secret or a personal value."""
    text = text[:LONGEST]
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonFormatter(logging.Formatter):
    """A line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(record.getMessage()),
        }
        if (process := getattr(record, PROCESS, None)) is not None:
            told["process"] = process
        told |= {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        if ids := tracing.identity():
            told |= {"trace_id": ids[0], "span_id": ids[1]}
        if record.exc_info and record.exc_info[0] is not None:  # its text may hold anything
            told["exception"] = record.exc_info[0].__name__
        return json.dumps(told, default=str)


def set_up() -> None:
    """Write lines of JSON to standard error, ours from INFO on and those of libraries from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(logging.INFO)
