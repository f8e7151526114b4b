"""JSON and YAML texts → plain data, with line and column of every problem.

Reading costs about what the parser costs: positions are only looked for when there is something to say about them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from mcp_codegen.errors import CatalogError, Diagnostic, Pointer, Problem, pointer_text
from mcp_codegen.source import json_text, yaml_text
from mcp_codegen.source.places import Place, UnreadableError

MAX_BYTES = 64_000_000
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_OTHER_MARKS: Final = {b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16"} | {
    b"\xfe\xff": "UTF-16"
}
_CONFLICT: Final = re.compile(r"^<{7} ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a person wrote: its path as they gave it, its text, and what the text says."""

    file: str
    text: str
    data: Any
    """Nothing but dict, list, str, int, float, bool and None; keys are texts."""

    @property
    def is_json(self) -> bool:
        """Whether it is JSON; else it is YAML."""
        return _is_json(self.file, self.text)

    def diagnostics(self, problems: Iterable[Problem]) -> list[Diagnostic]:
        """The problems with their places, in the given order; one pass over the text serves them all.

        A problem stands where its value begins, or its key if it is about the key; where there is no such value, at
        the nearest one around it.
        """
        problems = list(problems)
        found = _places(self, {problem.pointer for problem in problems})
        return _located(self.file, self.text, [(_offset(problem, found), problem) for problem in problems])


def load(file: Path) -> Source:
    """Read a file. Raises `CatalogError` with everything that keeps it from being read."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise CatalogError([_at_start(file, "there is no such file", "check the path")]) from error
    except IsADirectoryError as error:
        raise CatalogError([_at_start(file, "this is a folder", "name a file in it")]) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or "this is no path"
        raise CatalogError([_at_start(file, f"cannot be read: {reason}", "check the file and its rights")]) from error
    return parse(content, str(file))


def parse(content: bytes, file: str) -> Source:
    """Read a file's content; `file` tells JSON from YAML, by its ending. Raises `CatalogError`."""
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1_000_000} MB"
        _refuse(file, "", [(0, Problem((), message, "split it, or name another file"))])
    text = _decoded(content, file)
    if not text or text.isspace():
        _refuse(file, text, [(0, Problem((), "the file is empty", "write JSON or YAML in it"))])
    try:
        data, faults = json_text.read(text) if _is_json(file, text) else yaml_text.read(text)
    except UnreadableError as error:
        if conflict := _CONFLICT.search(text):
            problem = Problem((), "a merge conflict stands here", "resolve it, and remove its markers")
            _refuse(file, text, [(conflict.start(), problem)])
        _refuse(file, text, [(error.offset, error.problem)])
    if faults:
        _refuse(file, text, faults)
    return Source(file, text, data)


def _refuse(file: str, text: str, faults: Iterable[tuple[int, Problem]]) -> NoReturn:
    raise CatalogError(_located(file, text, faults))


def _decoded(content: bytes, file: str) -> str:
    content = content.removeprefix(_UTF8_MARK)
    encoding = next((name for mark, name in _OTHER_MARKS.items() if content.startswith(mark)), "")
    if encoding or b"\0" in content[:2]:
        message = f"this is {encoding or 'UTF-16 or UTF-32'}, not UTF-8"
        _refuse(file, "", [(0, Problem((), message, "save the file as UTF-8"))])
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        text = content[: error.start].decode()
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        _refuse(file, text, [(len(text), Problem((), message, "save the file as UTF-8"))])


def _is_json(file: str, text: str) -> bool:
    suffix = Path(file).suffix.lower()
    if suffix in (".json", ".yaml", ".yml"):
        return suffix == ".json"
    return text.lstrip().startswith(("{", "["))


def _places(source: Source, pointers: set[Pointer]) -> dict[Pointer, Place]:
    """The places of the pointers that exist, and of everything around them."""
    around = {pointer[:length] for pointer in pointers for length in range(len(pointer))}
    is_json = _is_json(source.file, source.text)
    members = json_text.places(source.text, around.__contains__) if is_json else yaml_text.places(source.text)
    return {place.pointer: place for place in members if place.pointer in around or place.pointer in pointers}


def _offset(problem: Problem, found: dict[Pointer, Place]) -> int:
    if place := found.get(problem.pointer):
        return place.of(problem)
    lengths = range(len(problem.pointer) - 1, -1, -1)
    return next(found[problem.pointer[:length]].value for length in lengths if problem.pointer[:length] in found)


def _located(file: str, text: str, problems: Iterable[tuple[int, Problem]]) -> list[Diagnostic]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    located = []
    for offset, problem in problems:
        line = bisect_right(starts, offset)
        column = offset - starts[line - 1] + 1
        where = pointer_text(problem.pointer)
        located.append(Diagnostic(_printable(file), line, column, where, problem.message, problem.hint))
    return located


def _at_start(file: Path, message: str, hint: str) -> Diagnostic:
    return Diagnostic(_printable(str(file)), 1, 1, "$", message, hint)


def _printable(file: str) -> str:
    return file if file.isprintable() else file.encode("unicode_escape", "surrogatepass").decode("ascii")
