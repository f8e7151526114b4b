"""`mcp-codegen doctor`: findings → lines or JSON, and an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from mcp_codegen import __version__
from mcp_codegen.cli_telling import catalog_file, catalog_files, mistakes
from mcp_codegen.doctor import Finding, catalogs, installation, language_models, secrets

MARKS: Final = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
PLAIN_MARKS: Final = {"ok": "ok", "warning": "!", "problem": "X"}
"""For terminals that cannot show the others."""


@click.command()
@click.argument("files", metavar="[CATALOG]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="The output folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(files: tuple[Path, ...], out: Path, *, as_json: bool) -> None:
    """Look for what is in the way of generating.

    Looked at are the installation, the settings of language models, catalogs and their output; without CATALOG,
    those in catalog/*. A generated server has a doctor for its own settings: telefonica-mcp doctor. Exit code 1 where
    something is in the way.

    \b
    Example:  mcp-codegen doctor catalog/telefonica/api_catalog.json
    """
    with mistakes():
        chosen = [catalog_file(file) for file in files] or catalog_files()
    hidden = secrets(os.environ)
    sections: dict[str, list[Finding]] = {
        "Installation": list(installation()),
        "Language models": list(language_models(os.environ)),
        "Catalogs": list(catalogs(chosen, out)),
    }
    sections = {title: [_safe(one, hidden) for one in findings] for title, findings in sections.items()}
    every = [one for findings in sections.values() for one in findings]
    problems = sum(one.level == "problem" for one in every)
    warnings = sum(one.level == "warning" for one in every)
    if as_json:
        told = [{"section": title, **asdict(one)} for title, findings in sections.items() for one in findings]
        whole = {"program": "mcp-codegen", "version": __version__, "findings": told}
        click.echo(json.dumps(whole | {"problems": problems, "warnings": warnings}, indent=2))
    else:
        _print(sections)
        click.echo(f"\n{_count(problems, 'problem')}, {_count(warnings, 'warning')}")
    sys.exit(1 if problems else 0)


def _print(sections: Mapping[str, Sequence[Finding]]) -> None:
    click.echo(f"mcp-codegen {__version__}")
    for title, findings in sections.items():
        click.echo(f"\n{title}")
        for line in (line for finding in findings for line in _lines(finding)):
            click.echo(line)


def _lines(finding: Finding) -> Iterator[str]:
    mark, colour = MARKS[finding.level]
    if not _shows("".join(mark for mark, _ in MARKS.values())):
        mark = PLAIN_MARKS[finding.level].ljust(2)
    yield f"  {click.style(mark, fg=colour)} {_printable(finding.what)}"
    if finding.remedy:
        yield f"  {'':<{len(mark)}}   {_printable(finding.remedy)}"


def _printable(text: str) -> str:
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return plain if _shows(plain) else plain.encode("ascii", "backslashreplace").decode("ascii")


def _shows(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _safe(finding: Finding, hidden: Sequence[str]) -> Finding:
    """No finding is made with a secret in it; should one slip in, it ends here."""
    what, remedy = finding.what, finding.remedy
    for secret in hidden:
        what, remedy = what.replace(secret, "***"), remedy.replace(secret, "***")
    return Finding(finding.level, what, remedy)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
