"""A file of inputs → its rows, one at a time: CSV, JSONL, or a JSON array. One row is in memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from mcp_codegen.orchestrator import inputs
from mcp_codegen.orchestrator.errors import InputError, UserError, shown

LONGEST = 1_000_000
"""Characters that a row may have, or a cell of it."""
LONGEST_LINE = 16_000_000
"""Characters of a line of CSV: a header of a million columns, and no file without line ends."""
CHUNK = 65_536
KINDS = (".csv", ".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as it was read; with a problem, what could not be read of it."""

    number: int
    """As a spreadsheet or an editor counts: CSV's first row is its header, so that data begins with 2."""
    given: dict[str, Any] = field(default_factory=dict)
    """JSON values."""
    words: dict[str, str] = field(default_factory=dict)
    """Cells, empty ones left out."""
    problem: str = ""


def read(path: Path) -> Iterator[Entry]:
    """The rows of a file. Raises UserError for a file that cannot be read, with the place where that shows."""
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UserError(f"--inputs {shown(str(path))}: its kind is not known", hint="name a .csv, .jsonl or .json file")
    _check_regular(path)
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="" if kind == ".csv" else None) as file:
            if kind == ".csv":
                yield from _csv(file)
            elif kind == ".json":
                yield from _json(file, path)
            else:
                yield from _lines(file)
    except OSError as error:
        raise UserError(
            f"--inputs {shown(str(path))}: {error.strerror}", hint="name a file that you may read"
        ) from error


def header(path: Path) -> list[str] | None:
    """The columns of a CSV file; None for the other kinds. Raises UserError."""
    if path.suffix.lower() != ".csv":
        return None
    _check_regular(path)
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            columns = _columns(_reader(file))
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no CSV"
        raise UserError(f"--inputs {shown(str(path))}: {reason}", hint="name a CSV file with a header") from error
    if problem := _not_text("".join(columns)):
        raise UserError(f"--inputs {shown(str(path))}: {problem}", hint="save it as UTF-8")
    places: dict[str, int] = {}
    for number, name in enumerate(columns, 1):  # not named: where the header is missing, it is somebody's data
        if name and (first := places.setdefault(name, number)) < number:
            raise InputError(f"--inputs: the columns {first} and {number} have the same name", hint="keep one")
    return columns


def _check_regular(path: Path) -> None:
    """A file is read more than once, which a pipe or a device cannot be. Raises UserError."""
    if path.exists() and not path.is_file():
        raise UserError(f"--inputs {shown(str(path))}: it is not a regular file", hint="save the rows in a file first")


def _columns(reader: Iterator[list[str]]) -> list[str]:
    """The names of the header. Spreadsheets leave columns without one."""
    return [name.strip() for name in next(reader, [])]


def _reader(file: TextIO) -> Iterator[list[str]]:
    """By the first line: commas, semicolons (spreadsheets where the comma is the decimal point) or tabs."""
    first = file.readline(LONGEST)
    file.seek(0)
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(LONGEST)
    lines = iter(lambda: _line(file), "")
    return csv.reader(lines, delimiter=delimiter, strict=True)  # a quote that never closes would swallow the rest


def _line(file: TextIO) -> str:
    """The next line; of one that is too long nothing. Raises csv.Error."""
    line = file.readline(LONGEST_LINE)
    if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
        return line
    while line and not line.endswith(("\n", "\r")):
        line = file.readline(LONGEST)
    raise csv.Error(f"a line is longer than {LONGEST_LINE:,} characters")


def _csv(file: TextIO) -> Iterator[Entry]:
    reader = _reader(file)
    columns = _columns(reader)
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Entry(number, problem=f"it is no CSV: {error}")
            continue
        if not any(cell.strip() for cell in cells):
            continue  # an empty line
        words = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name and cell.strip()}
        many = len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :])
        problem = f"it has {len(cells)} cells, the header {len(columns)}" if many else _not_text("".join(cells))
        yield Entry(number, words=words, problem=problem)


def _lines(file: TextIO) -> Iterator[Entry]:
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            while line and not line.endswith("\n"):
                line = file.readline(LONGEST)
            yield Entry(number, problem=f"it is longer than {LONGEST:,} characters")
        elif line.strip():
            yield _object(number, line)


def _object(number: int, text: str) -> Entry:
    if problem := _not_text(text):
        return Entry(number, problem=problem)
    try:
        value = json.loads(text, object_pairs_hook=inputs.once)
    except inputs.GivenTwiceError as error:
        return Entry(number, problem=str(error))
    except (ValueError, RecursionError) as error:
        place = f"column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "too deep or long"
        return Entry(number, problem=f"it is no JSON: {place}")
    if not isinstance(value, dict):
        return Entry(number, problem="it is no JSON object")
    return Entry(number, given=value)


def _json(file: TextIO, path: Path) -> Iterator[Entry]:
    """The objects of an array, decoded one after the other; the number counts them from 1."""
    decoder, buffer, number, ended = json.JSONDecoder(object_pairs_hook=inputs.once), "", 0, False

    def broken(what: str) -> UserError:
        place = f"after its object {number}" if number else "at its start"
        return UserError(
            f"--inputs {shown(str(path))}: {what} {place}", hint='it must be an array: [{"name": "value"}, …]'
        )

    expected = "["
    while True:
        buffer = buffer.lstrip()
        if not buffer and not ended:
            buffer, ended = _more(file, buffer)
            continue
        if expected and buffer and buffer[0] in expected:
            ended_array, expected, buffer = buffer[0] == "]", "" if buffer[0] in "[," else expected, buffer[1:]
            if ended_array:
                return
            continue
        if expected:
            raise broken(f"{' or '.join(expected)} is missing")
        if buffer[:1] == "]" and number == 0:
            return
        try:
            value, end = decoder.raw_decode(buffer)
        except inputs.GivenTwiceError as error:
            raise broken(f"{error}") from error
        except (ValueError, RecursionError) as error:
            if ended or len(buffer) > LONGEST or isinstance(error, RecursionError):
                raise broken("there is no JSON, or an object that is too large,") from error
            buffer, ended = _more(file, buffer)
            continue
        if end == len(buffer) and not ended:  # a number may go on
            buffer, ended = _more(file, buffer)
            continue
        number, buffer, expected = number + 1, buffer[end:], ",]"
        problem = "" if isinstance(value, dict) else "it is no JSON object"
        yield Entry(number, given=value if isinstance(value, dict) else {}, problem=problem)


def _more(file: TextIO, buffer: str) -> tuple[str, bool]:
    chunk = file.read(CHUNK)
    return buffer + chunk, not chunk


def _not_text(text: str) -> str:
    return "" if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text) else "it is not UTF-8 text"
