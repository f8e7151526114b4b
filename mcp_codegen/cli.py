"""`mcp-codegen`: words in, exit codes out; no decisions.

Exit codes: 0 all is well; 1 a catalog has problems, generated files differ, or files stand in the way; 2 wrong usage.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from mcp_codegen import __version__, building, memory, output, pipeline, reviewing
from mcp_codegen.building import Built
from mcp_codegen.cli_telling import CATALOG, catalog_file, count, mistakes, note, uncollected
from mcp_codegen.pipeline import Loaded

_ELSEWHERE: Final = {
    "add": ("cli_catalogs", "add"),
    "diff": ("cli_versions", "diff"),
    "doctor": ("cli_doctor", "doctor"),
    "enrich": ("cli_enrich", "enrich"),
    "evaluate": ("cli_evaluate", "evaluate"),
    "import": ("cli_import", "import_"),
    "init": ("cli_catalogs", "init"),
    "lint": ("cli_lint", "lint"),
    "list": ("cli_catalogs", "list_"),
    "release": ("cli_versions", "release"),
}
"""Verbs that stand in modules of their own, imported when asked for: what one brings, the others do without."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, name = _ELSEWHERE[cmd_name]
        command: click.Command = getattr(import_module(f"mcp_codegen.{module}"), name)
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcp-codegen")
def main() -> None:
    """Compile API catalogs into MCP servers and typed clients.

    \b
    A catalog is a JSON or YAML file that lists APIs. Start with one of:
      mcp-codegen init shop                                    a small one, explained
      mcp-codegen import openapi.yaml --out catalog/shop/api_catalog.json
    \b
    Then:
      mcp-codegen validate catalog/shop       what is wrong with it
      mcp-codegen generate catalog/shop       the package, in out/shop
      mcp-codegen mock     catalog/shop       a stand-in of its APIs
    \b
    A folder stands for the api_catalog.json or .yaml in it.
    """


@main.command()
@click.argument("catalogs", nargs=-1, required=True, type=CATALOG)
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
def validate(catalogs: tuple[Path, ...], *, as_json: bool) -> None:
    """Print everything that is wrong in catalogs.

    Each problem is a line: file:line:column: pointer: what is wrong; what to do.

    \b
    Example:  mcp-codegen validate catalog/*/api_catalog.json
    """
    with uncollected(), mistakes(as_json=as_json):
        files = [catalog_file(path) for path in catalogs]
        cache = memory.folder(os.environ)
        for path, loaded in zip(files, pipeline.load_all(files), strict=True):
            note([*loaded.notices, *reviewing.flagged(loaded, cache)])
            if not as_json:
                tools = len(loaded.catalog.active)
                click.echo(f"{path}: {count(tools, 'active API')}, no problems")
        if as_json:
            click.echo("[]")


@main.command()
@click.argument("catalogs", nargs=-1, required=True, type=CATALOG)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="The output folder."
)
@click.option("--check", is_flag=True, help="Write nothing; print a diff and exit with 1 where the files differ.")
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited.")
def generate(catalogs: tuple[Path, ...], out: Path, *, check: bool, force: bool) -> None:
    """Generate a package from each catalog, in OUT/NAME.

    The same catalog always gives the same bytes. Files that were not generated are never touched; generated ones that
    were edited are refused by name, unless --force.

    \b
    Examples:
      mcp-codegen generate catalog/telefonica/api_catalog.json           writes out/telefonica
      mcp-codegen generate catalog/telefonica/api_catalog.json --check   compares, for CI
    """
    with uncollected(), mistakes():
        loaded = pipeline.load_distinct(map(catalog_file, catalogs))
        cache = memory.folder(os.environ)
        for one in loaded:
            note([*one.notices, *reviewing.flagged(one, cache)])
        if check:
            remedy = "run `mcp-codegen generate` and review the change."
            diff = building.compare(loaded, out, cache, _announce_generation)
            _differ(diff, f"Generated files differ from the catalog: {remedy}")
            return
        for built in building.build(loaded, out, cache, _announce_generation, force=force):
            click.echo(f"{built.folder}: {count(built.tools, 'tool')}, {count(built.files, 'file')}; {_done(built)}")


@main.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this file; else it is printed.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where the file differs.")
def schema(out: Path | None, *, check: bool) -> None:
    """Print the language's JSON Schema, for editors.

    \b
    Example:  mcp-codegen schema --out catalog/catalog.schema.json
    """
    text = pipeline.language_schema()
    if out is None:
        click.echo(text, nl=False)
        return
    with mistakes():
        found = output.read_text(out)
        if not check:
            output.write_text(out, text)
        elif found != text:
            diff = difflib.unified_diff(found.splitlines(True), text.splitlines(True), str(out), "generated")
            _differ("".join(diff), f"{out} is not the language's: write it with `mcp-codegen schema --out {out}`.")


@main.command()
@click.argument("catalog", type=CATALOG)
@click.option("--port", type=click.IntRange(0, 65535), default=9000, show_default=True, help="0 takes a free one.")
@click.option("--latency", type=click.IntRange(0, 60_000), default=0, metavar="MS", help="Milliseconds per answer.")
@click.option("--fail", "faults", multiple=True, metavar="API=FAULT[:RATE]", help="What goes wrong, and how often.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other answers.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON, and stop when stdin closes.")
def mock(catalog: Path, port: int, latency: int, faults: tuple[str, ...], seed: int, *, as_json: bool) -> None:
    """Serve a stand-in of a catalog's APIs on loopback.

    It needs no network and no credentials of your own. Routes, methods, required inputs and credentials are
    enforced. Answers are the catalog's examples where the inputs match, else made from the answer's schema: the
    same inputs always get the same answer.

    A FAULT is an HTTP status from 400, or one of slow, drip, reset, truncated, invalid-json, deep-json, wrong-type,
    drift, waf, redirect, bomb, endless, echo. :RATE is the share of calls, @20 all but the first 20, @20x5 five calls
    after these. The API * is each of them.

    \b
    Examples:
      mcp-codegen mock catalog/telefonica/api_catalog.json --fail deuda_fija=503:0.2 --latency 50
      mcp-codegen mock catalog/telefonica/api_catalog.json --fail '*=reset:0.05' --fail deuda_fija=401@20
    """
    from mcp_codegen import standin  # noqa: PLC0415 - the other verbs need no HTTP server

    with mistakes():
        loaded = pipeline.load(catalog_file(catalog))
        known = [operation.api.name for operation in loaded.catalog.active]
        parsed = tuple(standin.parse_fault(fault, known) for fault in faults)
        behaviour = standin.Behaviour(latency=latency / 1000, faults=parsed, seed=seed)
        announce = _announce_json if as_json else _announce
        standin.serve(loaded.catalog, behaviour, os.environ, port=port, announce=announce, until_stdin_closes=as_json)


def _done(built: Built) -> str:
    if built.written is None:
        return "nothing changed"
    changes = {"added": built.written.added, "changed": built.written.changed, "removed": built.written.removed}
    return ", ".join(f"{len(paths)} {how}" for how, paths in changes.items() if paths) or "nothing changed"


def _differ(diff: str, said: str) -> None:
    if diff:
        click.echo(diff, nl=False)
        click.echo(said, err=True)
        sys.exit(1)


def _announce_generation(loaded: Loaded) -> None:
    """On a terminal, where somebody may be waiting."""
    if sys.stderr.isatty():
        tools = count(len(loaded.catalog.active), "tool")
        click.echo(f"Generating {loaded.catalog.catalog.name}: {tools} ...", err=True)


def _announce(url: str, environment: Mapping[str, str]) -> None:
    click.echo(f"The stand-in listens on {url}; stop it with Ctrl-C. Settings for a server that calls it:\n")
    for name, value in environment.items():
        if os.environ.get(name) != value:  # what is set already may be a secret
            click.echo(f"export {name}={value}")


def _announce_json(url: str, environment: Mapping[str, str]) -> None:
    click.echo(json.dumps({"url": url, "environment": dict(environment)}))
    sys.stdout.flush()
