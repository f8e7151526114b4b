"""Package → Files: the template tree is the output tree.

`x.py.jinja` becomes `x.py`, any other file is copied as it is, `_parts/` is only imported. In names, `package/` becomes
the package's folder, `NAME` the catalog's name, and a `GROUP` file is rendered once for each group of its folder;
`calls/` is only there for several groups.
Every Python file is laid out as black does it, and compiled, to be sure that it can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mcp_codegen import entries, literals
from mcp_codegen.formatting import formatted
from mcp_codegen.package import Calls, Group, ModelModule, Package

Files = Mapping[str, str]
"""Paths from the output folder, with slashes, to the files' text."""

_SUFFIX: Final = ".jinja"
_PARTS: Final = "_parts"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A template or a plain file, and one path that it becomes."""

    template: str
    path: str
    variables: Mapping[str, Any]


def templates_folder() -> Path:
    """Where the templates are: inside an installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    installed = here / "templates"
    return installed if installed.is_dir() else here.parent / "templates"


def render(package: Package, templates: Path | None = None) -> dict[str, str]:
    """All files of the output, by path, in a fixed order."""
    folder = templates or templates_folder()
    environment = _environment(folder)
    return {sheet.path: _text(sheet, environment, folder) for sheet in sorted(_sheets(folder, package), key=_path)}


def markdown(text: str) -> str:
    """One line of text inside Markdown: nothing in it is markup, a table cell or a tag."""
    shown = re.sub(r"([\\`*_{}\[\]<>#|!~&])", r"\\\1", literals.comment(text))
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", shown)  # what begins a list or underlines a heading


@cache  # reading the templates takes as long as rendering a small package
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - this writes Python and Markdown, through filters of its own
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "literal": literals.literal,
        "docstring": literals.docstring,
        "comment": literals.comment,
        "host_entry": entries.host_entry,
        "registry_entry": entries.registry_entry,
        "json": literals.json_text,
        "json_lines": literals.json_lines,
        "markdown": markdown,
    }
    return environment


def _sheets(folder: Path, package: Package) -> Iterator[_Sheet]:
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and not name.startswith(_PARTS) and "__pycache__" not in name:
            yield from _copies(name, package)


def _copies(name: str, package: Package) -> Iterator[_Sheet]:
    path = PurePosixPath(name.removesuffix(_SUFFIX))
    parts = [package.module if part == "package" else part for part in path.parts]
    target = "/".join(parts).replace("NAME", package.name.replace("-", "_"))
    if path.parent.name == "calls" and not package.is_split:
        return
    if path.stem != "GROUP":
        yield _Sheet(name, target, {"package": package})
        return
    folders: Mapping[str, Sequence[Calls | Group | ModelModule]]
    folders = {"calls": package.calls, "models": package.model_modules, "tools": package.groups}
    for group in folders[path.parent.name]:
        yield _Sheet(name, target.replace("GROUP", group.name), {"package": package, "group": group})


def _text(sheet: _Sheet, environment: Environment, folder: Path) -> str:
    if not sheet.template.endswith(_SUFFIX):
        return (folder / sheet.template).read_text("utf-8")
    text = environment.get_template(sheet.template).render(sheet.variables)
    if not sheet.path.endswith(".py"):
        return text.rstrip("\n") + "\n"
    text = formatted(text)
    compile(text, sheet.path, "exec", dont_inherit=True)
    return text


def _path(sheet: _Sheet) -> str:
    return sheet.path
