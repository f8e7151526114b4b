"""Changes to a file that a person wrote: what is not changed stays as it is, byte for byte, comments included.

Every change is proved: the new text is read again, and has to say what the old one said with just that change in it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from mcp_codegen import source
from mcp_codegen.editing import json_edits, yaml_edits
from mcp_codegen.errors import CatalogError, Pointer, SettingsError, pointer_text, shown
from mcp_codegen.source import Source

_MARK: Final = "\ufeff".encode()


def appended(read: Source, pointer: Pointer, value: Any, key: str = "") -> Source:  # noqa: ANN401 - JSON
    """The text with one more member at the end of a list, or of an object under a key that it does not have.

    Raises `SettingsError` where the file is written in a way that nothing can be added to.
    """
    edit = json_edits.appended if read.is_json else yaml_edits.appended
    target = _at(read.data, pointer)
    wanted = [*target, value] if isinstance(target, list) else {**target, key: value}
    return _proved(read, pointer, edit, (key, value), wanted)


def replaced(read: Source, pointer: Pointer, value: str) -> Source:
    """The text with another text as the value there. Raises `SettingsError` as `appended` does."""
    edit = json_edits.replaced if read.is_json else yaml_edits.replaced
    return _proved(read, pointer, edit, (value,), value)


def save(file: Path, text: str) -> None:
    """Write a file in one step: whoever reads it finds the old text or the new one. Raises `SettingsError`."""
    try:
        real = file.resolve()  # a link stays a link
        real.parent.mkdir(parents=True, exist_ok=True)
        mark = _MARK if real.exists() and real.read_bytes()[: len(_MARK)] == _MARK else b""
        number, beside = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
        try:
            with open(number, "wb") as stream:
                stream.write(mark + text.encode())
            if real.exists():
                shutil.copymode(real, beside)
            else:
                os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, real)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        said = error.strerror or "the system refuses"
        raise SettingsError(f"{shown(str(file))} cannot be written: {said}; check the path and its rights") from error


def _proved(read: Source, pointer: Pointer, edit: Any, words: tuple[Any, ...], wanted: Any) -> Source:  # noqa: ANN401
    where = pointer_text(pointer)
    try:
        text = edit(read.text, pointer, *words)
        edited = source.parse(text.encode(), read.file)
    except (CatalogError, LookupError, ValueError) as error:
        raise SettingsError(_refusal(read, where)) from error
    if edited.data != _with(read.data, pointer, wanted):
        raise SettingsError(_refusal(read, where))
    return edited


def _refusal(read: Source, where: str) -> str:
    return f"{shown(read.file)} is written in a way that {where} cannot be changed in place; change it by hand"


def _at(data: Any, pointer: Pointer) -> Any:  # noqa: ANN401 - JSON
    for part in pointer:
        data = data[part]
    return data


def _with(data: Any, pointer: Pointer, value: Any) -> Any:  # noqa: ANN401 - JSON
    if not pointer:
        return value
    inner = _with(data[pointer[0]], pointer[1:], value)
    if isinstance(data, list):
        return [inner if index == pointer[0] else one for index, one in enumerate(data)]
    return {key: inner if key == pointer[0] else one for key, one in data.items()}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
