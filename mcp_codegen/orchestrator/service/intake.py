"""Takes batches in: a file is kept on disk, read row by row, and put into the queue; a restart goes on where it was.

What was accepted is on disk before the caller hears so. The same row is one run however often it is read.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable import accepting, batch_ledger, batching, exporting, ledger
from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.errors import OrchestratorError, ResultsError, UserError, describe, shown
from mcp_codegen.orchestrator.service.served import Served

READERS = 2
"""Files that are read at a time; others wait."""
ORDER = ".order.json"
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds until a file is read anew where the database or the disk did not take its rows; doubled each time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A batch to be: whose rows a file holds."""

    batch: str
    process: str
    file: str
    """Its name in the intake's folder."""
    key: tuple[str, ...]
    priority: Priority


def problem(model: type[BaseModel], file: Path, key: Sequence[str]) -> str | None:
    """Why a file as a whole cannot be read as rows of inputs, if it cannot."""
    try:
        accepting.check_columns(model, file, key)
    except UserError as error:
        return _worded(error, file)
    return None


def _worded(error: OrchestratorError, file: Path) -> str:
    """In the words of those who uploaded the file, and never saw ours."""
    return error.message.replace(f"--inputs {shown(str(file))}", "the file").replace("--inputs", "the file")


class Intake:
    """Reads the files of batches in threads of its own."""

    def __init__(self, database: sa.Engine, folder: Path, served: Mapping[str, Served]) -> None:
        """Raises UserError for a folder that cannot be written."""
        self._database = database
        self.folder = folder
        self._served = served
        self._open: set[str] = set()
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(READERS, "intake")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--spool {shown(str(folder))}: {error.strerror}", hint="name a folder that you may write"
            ) from error

    def accept(self, order: Order) -> None:
        """Keep the order, and read its file as soon as a thread is free."""
        path = self._order(order.batch)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(order), file)
            file.flush()
            os.fsync(file.fileno())
        self._begin(order)

    def is_open(self, batch: str) -> bool:
        """Whether rows of a batch are still to be read here."""
        return batch in self._open

    def go_on(self, batch: str | None = None) -> None:
        """Read what was accepted before and not read to its end: of one batch, or of all; not what is halted."""
        for path in [self._order(batch)] if batch is not None else sorted(self.folder.glob(f"*{ORDER}")):
            try:
                told = json.loads(path.read_text("utf-8"))
                order = Order(**(told | {"key": tuple(told["key"])}))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, TypeError, KeyError):
                logger.warning("%s is no order of a batch", path.name)
                continue
            is_ours = order.process in self._served and not self.is_open(order.batch)
            if is_ours and batch_ledger.mark(self._database, order.batch, "running"):
                self._begin(order)

    def close(self) -> None:
        """Stop after the rows at hand; the rest is read after the next start."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def rejects(self, batch: str) -> Path:
        """Where the rows of a batch that did not fit are, if there were any."""
        return exporting.with_suffix(self.folder / batch, ".rejects.csv")

    def _begin(self, order: Order) -> None:
        self._open.add(order.batch)
        self._threads.submit(self._read, order)

    def _read(self, order: Order) -> None:
        wait = FIRST_WAIT
        try:
            while (read := self._tried(order)) is None:
                self._stopping.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            if read:
                self._order(order.batch).unlink(missing_ok=True)
                (self.folder / order.file).unlink(missing_ok=True)
        except Exception as error:  # it is tried again after the next start
            logger.error("the batch %s cannot be read: %s", order.batch, describe(error).message)  # noqa: TRY400
        finally:
            self._open.discard(order.batch)

    def _tried(self, order: Order) -> bool | None:
        """As `_submit`; None where the database or the disk failed, which may be over soon."""
        try:
            return False if self._stopping.is_set() else self._submit(order)
        except (SQLAlchemyError, ResultsError, OSError) as error:
            logger.warning("the batch %s is read on in a while: %s", order.batch, describe(error).message)
            return None

    def _submit(self, order: Order) -> bool:
        """Put the rows into the queue; false where it was stopped before the end."""
        served, tally, reason, halted = self._served[order.process], Tally(), None, False
        stopped = self._stopping.is_set
        with exporting.rejects(self.folder / order.batch) as reject:
            entries = accepting.accepted(
                served.process.input, self.folder / order.file, order.batch, order.key, reject=reject, tally=tally
            )
            try:
                while not (stopped() or halted) and (chunk := list(itertools.islice(entries, batching.CHUNK))):
                    halted = not self._enqueue(order, served, chunk)
            except UserError as error:
                reason = _worded(error, self.folder / order.file)
        if stopped() or halted:
            return False
        if reason is not None:
            batch_ledger.note_problem(self._database, order.batch, reason)
        return batch_ledger.mark(self._database, order.batch, "submitted", rejected=tally.rejected)

    def _enqueue(self, order: Order, served: Served, chunk: list[ledger.Row]) -> bool:
        """Note the rows as runs, and those that are new in the queue too; false where the batch was halted."""
        rows = {row.run_id: row for row in reversed(chunk)}
        with self._database.begin() as connection:
            batch_ledger.hold_state(connection, order.batch)
            if batch_ledger.halted(connection, order.batch):
                return False
            waiting = list(reversed(rows.values()))
            name = served.process.name
            fresh = ledger.add(connection, self._database, order.batch, name, waiting, queue=served.queue)
            for row in waiting:
                if row.run_id in fresh:
                    served.submitter.enqueue(connection, row.run_id, row.given, priority=order.priority)
        return True

    def _order(self, batch: str) -> Path:
        return self.folder / f"{batch}{ORDER}"
