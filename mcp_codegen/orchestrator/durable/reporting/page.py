"""The report as one HTML page: nothing is fetched, and its own policy allows no script but its own.

Every text of a process or an API is escaped, and what a browser would obey invisibly (control characters, marks that
turn the direction of writing) is written out.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from mcp_codegen.orchestrator.durable.reporting import texts
from mcp_codegen.orchestrator.durable.reporting.numbers import Language, Numbers
from mcp_codegen.orchestrator.durable.summing import EXACT, Amount
from mcp_codegen.orchestrator.errors import printable

if TYPE_CHECKING:
    from mcp_codegen.orchestrator.durable.reporting.making import Report

__all__ = ["Language", "render"]

OUTCOMES = ("succeeded", "failed", "cancelled", "unfinished")
_HERE = resources.files("mcp_codegen.orchestrator.durable.reporting")
_ASSETS = resources.files("mcp_codegen.orchestrator") / "assets"
_CHARTS = (_ASSETS / "uplot.iife.min.js", _HERE / "charts.js")
_STYLES = (_ASSETS / "uplot.min.css", _HERE / "report.css")


def render(report: Report, language: Language) -> str:
    """The page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    scripts, styles = ([file.read_text("utf-8") for file in files] for files in (_CHARTS, _STYLES))
    told = Numbers(language)
    return environment.get_template("report.html.jinja").render(
        report=report,
        language=language,
        words=texts.words(language),
        told=told,
        scripts=[Markup(text) for text in scripts],  # noqa: S704 - files of this package
        styles=[Markup(text) for text in styles],  # noqa: S704 - the same
        policy=_policy(scripts, styles),
        outcomes=_outcomes(report),
        runs=sum(report.totals.outcomes.values()),
        amounts=[_account(list(group)) for _, group in itertools.groupby(report.amounts, _of_account)],
        milliseconds=_span(report),
        charts=_charts(report),
    )


def _read(name: str) -> str:
    return _HERE.joinpath(name).read_text("utf-8")


def _shown(value: object) -> object:
    return printable(" ".join(value.split())) if isinstance(value, str) and not isinstance(value, Markup) else value


def _policy(scripts: list[str], styles: list[str]) -> Markup:
    """The content security policy: only these scripts and styles, by their digests, and no connection at all."""

    def digests(sources: list[str]) -> str:
        found = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in sources)
        return " ".join(f"'sha256-{digest}'" for digest in found)

    return Markup(  # noqa: S704 - letters, digits and what base64 has
        f"default-src 'none'; script-src {digests(scripts)}; style-src {digests(styles)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _outcomes(report: Report) -> list[dict[str, Any]]:
    """The parts of the bar of outcomes, in hundredths, one beside the other."""
    total = sum(report.totals.outcomes.values())
    parts, start = [], 0.0
    for name in OUTCOMES:
        if count := report.totals.outcomes.get(name, 0):
            width = 100 * count / total
            parts.append({"name": name, "count": count, "start": round(start, 3), "width": round(width, 3)})
            start += width
    return parts


def _of_account(amount: Amount) -> tuple[str, str]:
    return amount.currency, amount.name


def _account(amounts: list[Amount]) -> dict[str, Any]:
    """The amounts of one name in one currency with their sum; shares only where no amount counts against another."""
    total = Decimal(0)
    for each in amounts:
        total = EXACT.add(total, each.total)
    comparable = total > 0 and all(each.total >= 0 for each in amounts)
    return {
        "name": amounts[0].name,
        "currency": amounts[0].currency,
        "count": sum(each.count for each in amounts),
        "total": total,
        "groups": [(each, float(each.total / total) if comparable else None) for each in amounts],
    }


def _span(report: Report) -> int | None:
    totals = report.totals
    return None if totals.started is None or totals.ended is None else max(totals.ended - totals.started, 1)


def _charts(report: Report) -> dict[str, Any]:
    """What the scripts draw: numbers only."""
    durations, throughput = report.durations, report.throughput
    return {
        "durations": durations and {"width": durations.width, "bars": durations.bars},
        "throughput": throughput
        and {
            "start": throughput.start,
            "width": throughput.width,
            "succeeded": throughput.succeeded,
            "others": throughput.others,
        },
    }
