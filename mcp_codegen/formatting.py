"""The layout of generated Python: black's.

Templates write a statement on one line, and everything else as black leaves it. What is too long is laid out by
`layout` where that knows the form, and by black itself where it does not. So black changes no file that leaves the
generator; to prove that on each run would cost ten times what all the rest does, so the tests prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from mcp_codegen.layout import LINE_LENGTH, UnknownFormError, fits, lay_out

_INDENT: Final = "    "
_QUOTES: Final = '"""'


def formatted(source: str) -> str:
    """The same Python as black lays it out.

    source: as the templates write it; no statement has a line break in it except within a docstring or behind a comma.
    """
    return "\n".join(_lines(source.rstrip("\n").split("\n"))) + "\n"


def _lines(lines: Iterable[str]) -> Iterator[str]:
    is_text = False
    for line in lines:
        code = line.lstrip(" ")
        if is_text or code.startswith(_QUOTES):
            is_text = not _ends_text(code, begins=not is_text)
            yield line
        elif fits(line) or code.startswith("#"):
            yield line
        else:
            yield _laid_out(code, (len(line) - len(code)) // len(_INDENT))


def _ends_text(code: str, *, begins: bool) -> bool:
    return code.endswith(_QUOTES) and not (begins and len(code) < 2 * len(_QUOTES))


@lru_cache(maxsize=1024)
def _laid_out(code: str, depth: int) -> str:
    try:
        return lay_out(code, depth)
    except UnknownFormError:
        return _by_black(code, depth)


def _by_black(code: str, depth: int) -> str:
    """A statement, or an item of a list that is open, as black lays it out that deep."""
    import black  # noqa: PLC0415 - it takes longer to import than most packages to generate
    from black.mode import TargetVersion  # noqa: PLC0415

    around = ["async def _():", *([f"{_INDENT}_("] if code.endswith(",") else [])]
    before = _INDENT * len(around)
    behind = [f"{before}{_INDENT}pass"] if code.endswith(":") else [f"{_INDENT})"] * (len(around) - 1)
    if code.startswith("@"):
        behind = [f"{before}async def _():", f"{before}{_INDENT}pass"]
    mode = black.Mode(
        line_length=LINE_LENGTH + len(_INDENT) * (len(around) - depth), target_versions={TargetVersion.PY311}
    )
    lines = black.format_str("\n".join([*around, before + code, *behind]), mode=mode).splitlines()
    lines = lines[len(around) : len(lines) - len(behind)]
    return "\n".join(_INDENT * depth + line.removeprefix(before) for line in lines)
