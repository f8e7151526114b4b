"""Catalogs, and whether what was generated from them is what they say and what nobody edited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mcp_codegen import output, pipeline
from mcp_codegen.doctor.findings import Finding
from mcp_codegen.errors import CatalogError, OutputError, shown

SHOWN = 3
"""Of a list of files or problems, as many are named."""


def catalogs(files: Sequence[Path], out: Path) -> Iterator[Finding]:
    """Each catalog, and its package in the output folder."""
    if not files:
        yield Finding("ok", "There is no catalog in catalog/*/api_catalog.*: name others behind `doctor`.")
    for file in files:
        try:
            [generated] = pipeline.generate([file])
        except CatalogError as error:
            first = error.diagnostics[0]
            more = f", and {len(error.diagnostics) - 1} more" if len(error.diagnostics) > 1 else ""
            said = f"{shown(str(file))} has problems: {first.line}:{first.column}: {first.message}{more}."
            yield Finding("problem", said, f"See `mcp-codegen validate {file}`.")
            continue
        yield Finding("ok", f"{file}: {generated.tools} tools, no problems.")
        yield _package(generated, out / generated.name, file)


def _package(generated: pipeline.Generated, folder: Path, file: Path) -> Finding:
    again = f"mcp-codegen generate {file} --out {folder.parent}"
    if not (folder / output.MANIFEST).is_file():
        return Finding("warning", f"{folder}: nothing was generated there yet.", f"Run `{again}`.")
    try:
        edited = output.edited(folder)
        stale = output.diff(generated.files, folder)
    except OutputError as error:
        return Finding("problem", str(error), "Mend that, then look again.")
    if edited:
        remedy = "Carry the edits over to the catalog, then generate again with --force; they are lost by it."
        return Finding("problem", f"{folder}: edited since generated: {_named(edited)}.", remedy)
    if stale:
        return Finding("problem", f"{folder} is not what {file} gives now.", f"Run `{again}`, and review the change.")
    return Finding("ok", f"{folder}: {len(generated.files)} files, unchanged and up to date.")


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more
