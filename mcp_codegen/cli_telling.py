"""What the verbs share: how catalogs are named, and mistakes, notes and numbers told."""

from __future__ import annotations

import gc
import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from mcp_codegen.errors import CatalogError, CodegenError, Diagnostic

CATALOG = click.Path(path_type=Path)
_NAMES = ("api_catalog.json", "api_catalog.yaml", "api_catalog.yml")


class Number(click.FloatRange):
    """A number in a range; `nan`, which is below and above nothing, is none."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or a mistake of the user's."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def catalog_files() -> list[Path]:
    """The catalogs in the folders of `catalog/`, where `init` writes them."""
    return sorted(file for name in _NAMES for file in Path("catalog").glob(f"*/{name}"))


def catalog_file(path: Path) -> Path:
    """The catalog in a folder; any other path as it is. Raises `CatalogError`."""
    if not path.is_dir():
        return path
    found = [path / name for name in _NAMES if (path / name).is_file()]
    if len(found) != 1:
        said = "there is no catalog in this folder" if not found else "there are several catalogs in this folder"
        raise CatalogError([Diagnostic(str(path), 1, 1, "$", said, f"name a file such as {path / _NAMES[0]}")])
    return found[0]


@contextmanager
def mistakes(*, as_json: bool = False) -> Iterator[None]:
    """A user's mistake is told on stderr, never as a traceback."""
    try:
        yield
    except CodegenError as error:
        if as_json and isinstance(error, CatalogError):
            click.echo(json.dumps([asdict(one) for one in error.diagnostics], ensure_ascii=False, indent=2))
        else:
            click.echo(str(error), err=True)
        sys.exit(1)


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage: next to all that these verbs make is needed until they end, and there is much of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def note(notices: Sequence[Diagnostic]) -> None:
    """What is worth a word, on stderr."""
    for notice in notices:
        click.echo(f"note: {notice}", err=True)


def count(number: int, noun: str) -> str:
    """`1 tool`, `2 tools`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
