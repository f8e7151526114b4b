"""The rows of a batch's file that become runs: checked against the process's input, each with its run's id."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mcp_codegen.orchestrator import inputs, masking, values
from mcp_codegen.orchestrator.durable import rows
from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.durable.ledger import Row
from mcp_codegen.orchestrator.errors import UserError, shown

SHOWN_COLUMNS = 5

Reject = Callable[[int, str, dict[str, Any]], None]

_READABLE = re.compile(r"(?!.*\.fork-\d)[A-Za-z0-9._-]{1,64}")
"""Keys that stand in a run's id as they are; none that reads like the id of a fork."""


def accepted(
    model: type[BaseModel], file: Path, batch: str, key: Sequence[str], *, reject: Reject, tally: Tally
) -> Iterator[Row]:
    """The rows that fit the process's input, with their run's id; the others are rejected, with the reason."""
    names, personal = inputs.known(model), masking.names(model)
    columns = rows.header(file)
    ignored = {column for column in columns or () if names is not None and column not in names}
    for entry in rows.read(file):
        tally.rows += 1
        words = {column: word for column, word in entry.words.items() if column not in ignored}
        value, problems = (None, [entry.problem]) if entry.problem else inputs.check(model, entry.given, words, names)
        given = None
        if value is not None:
            try:
                given = stored(model, value)
            except ValueError as error:
                problems = [str(error)]
        if problems:
            tally.rejected += 1
            row = {} if entry.problem else masking.masked_data({**entry.given, **words}, personal)
            reject(entry.number, "; ".join(problems), row)
            continue
        yield Row(run_id=f"{batch}:{_key(given, key, personal)}", row=entry.number, given=given)


def check_columns(model: type[BaseModel], file: Path, key: Sequence[str]) -> list[str]:
    """What is wrong with the file as a whole is raised as UserError; given are the columns that will be ignored."""
    names = inputs.known(model)
    if names is not None and (strange := [each for each in key if each not in names]):
        raise UserError(f"--key {inputs.unknown_input(strange[0], names)}", hint=f"it has: {', '.join(sorted(names))}")
    columns = rows.header(file)
    next(rows.read(file), None)  # is it there, and of a kind that is read
    if columns is None or names is None:
        return []
    if missing := [each for each in inputs.required(model) if each not in columns]:
        raise UserError(
            f"--inputs {shown(str(file))}: its header lacks {', '.join(missing)}",
            hint="\n    ".join(["the inputs are:", *inputs.describe(model)]),
        )
    ignored = [column for column in columns if column and column not in names]
    notes = [inputs.unknown_input(column, names) for column in ignored[:SHOWN_COLUMNS]]
    return [*notes, f"and {len(ignored) - SHOWN_COLUMNS} more"] if len(ignored) > SHOWN_COLUMNS else notes


def stored(model: type[BaseModel], value: BaseModel) -> Any:  # noqa: ANN401 - JSON
    """An input as the database keeps it. Raises ValueError where it would come back as another, or holds a secret."""
    with suppress(ValueError):
        given = values.model_data(value)
        if values.read_model(model, given) == value:
            return given
    raise ValueError("it holds a secret, or a value that a database cannot bring back; give it in another way")


def _key(given: Any, key: Sequence[str], personal: Set[str]) -> str:  # noqa: ANN401 - JSON
    """What tells a row from the others: the inputs that `--key` names, or all of them; no personal data to be read."""
    if len(key) == 1 and key[0] not in personal:
        word = given.get(key[0])
        if isinstance(word, str | int) and not isinstance(word, bool) and _READABLE.fullmatch(str(word)):
            return str(word)
    chosen = {each: given.get(each) for each in key} if key else given
    canonical = json.dumps(chosen, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:24]
