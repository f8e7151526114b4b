"""`mcp-codegen diff` and `release`: what changed for callers, and the version that it asks for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mcp_codegen import comparing, editing, pipeline, releasing, source
from mcp_codegen.cli_telling import CATALOG, catalog_file, mistakes, note
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.literals import json_text


@click.command("diff")
@click.argument("old", type=CATALOG)
@click.argument("new", type=CATALOG)
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "any", "none"]),
    default="breaking",
    show_default=True,
    help="Exit with 1 when there are such changes.",
)
def diff(old: Path, new: Path, *, as_json: bool, fail_on: str) -> None:
    """Tell what changed for callers between catalogs.

    OLD and NEW are catalogs, or folders with an api_catalog.json or .yaml. Inputs may only take more than before and
    answers only promise more: anything else is breaking. Read docs/versions.md for the rules and the JSON.

    Exit codes: 0 nothing breaks; 1 something does (see --fail-on), or a catalog has problems; 2 wrong usage.

    \b
    Examples:
      git show main:catalog/shop/api_catalog.json > old.json
      mcp-codegen diff old.json catalog/shop/api_catalog.json
      mcp-codegen diff old.json catalog/shop --json --fail-on none
    """
    with mistakes(as_json=as_json):
        before, after = pipeline.load_all([catalog_file(old), catalog_file(new)])
        found = comparing.compare(before.catalog, after.catalog)
    if as_json:
        click.echo(json_text(comparing.as_data(found)))
    else:
        click.echo(comparing.as_text(found), nl=False)
    if fail_on != "none" and (found.changes if fail_on == "any" else found.of("breaking")):
        sys.exit(1)


@click.command("release")
@click.argument("catalog", type=CATALOG)
def release(catalog: Path) -> None:
    """Raise a catalog's version, and write its changelog.

    For catalogs with "versioning": "semver". The version is raised as the changes since the last release ask; only its
    characters change in the catalog. Beside the catalog are written NAME.released.json, which the next changes are
    compared with, and NAME.changelog.md, which you may edit. Commit all three.

    \b
    Example:  mcp-codegen release catalog/shop/api_catalog.json
    """
    with mistakes():
        file = catalog_file(catalog)
        read = source.load(file)
        loaded = pipeline.understand(read, file)
        note(loaded.notices)
        about = loaded.catalog.catalog
        if not about.versioning:
            raise SettingsError(f'{shown(str(file))} does not ask for versions; write "versioning": "semver" in it')
        if not isinstance(read.data, dict) or "version" not in read.data:
            raise SettingsError(f'{shown(str(file))} has no version to raise; write "version": "{about.version}" in it')
        made = pipeline.release(loaded, file)
        if not made.is_new:
            click.echo(f"Nothing changed for callers since {made.version}.")
            return
        if about.version != made.version:
            read = editing.replaced(read, ("version",), made.version)
        record = pipeline.record(pipeline.understand(read, file))
        editing.save(releasing.changelog_file(file), made.changelog)
        editing.save(releasing.released_file(file), record)
        editing.save(file, read.text)
        if made.changes is not None:
            click.echo(comparing.as_text(made.changes))
        click.echo(f"{file} is {made.version} now. Next: mcp-codegen generate, and commit what changed.")
