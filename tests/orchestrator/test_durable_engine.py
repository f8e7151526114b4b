"""What the durable engine promises beyond the local one, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos._dbos import _get_dbos_instance
from dbos._error import DBOSBaseException, DBOSException

from mcp_codegen.orchestrator import MisuseError, Retry, Run
from mcp_codegen.orchestrator.durable import database, definition, ledger, losses, steering, streaks, transact
from mcp_codegen.orchestrator.durable.transact import recorded, steps
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.process import attempt
from mcp_codegen.orchestrator.record import RunRecord, Stored
from mcp_codegen.orchestrator.retrying import persist
from tests.orchestrator import postgresql
from tests.orchestrator.conftest import ROOT
from tests.orchestrator.processes.parcels import Delivery, Order, Parcel, Parcels, process

pytestmark = pytest.mark.anyio

ORDER = Order(number=1, place="home")
SHELF = Parcels("shelf")
SOON = Retry(attempts=3, first_wait=0)
Body = Callable[[Run[Delivery], Any, Order], Awaitable[Delivery]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        yield database.connect(str(tmp_path_factory.mktemp("kept") / "runs.sqlite"))
    else:
        with postgresql.served() as url:
            engine = database.connect(url)
            yield engine
            engine.dispose()


def opened(
    kept: sa.Engine, body: Body, executor: str
) -> AbstractAsyncContextManager[transact.DurableEngine[Any, Any, Any]]:
    changed = replace(process, body=body, retry=SOON)
    return transact.opened(kept, changed, SHELF, executor=executor, concurrency=5)


class PassingError(Exception):
    """An error that may pass."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("busy")
        self.code, self.message, self.hint, self.status = "upstream_failed", "busy", "wait", 503
        self.retryable, self.retry_after = True, retry_after


async def test_a_run_that_was_interrupted_goes_on_after_its_last_finished_step(kept: sa.Engine) -> None:
    calls: list[str] = []
    interrupted = asyncio.Event()

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        async def find() -> Parcel:
            calls.append(run.key("find"))
            return await client.find(order.number, "well")

        async def again() -> Parcel:
            calls.append(run.key("again"))
            if not interrupted.is_set():
                interrupted.set()
                await asyncio.Event().wait()
            return await client.find(order.number, "well")

        found = await run.step("find", "Find", find)
        assert await run.step("again", "Again", again) == found
        return Delivery(parcel=found)

    ours = asyncio.all_tasks()
    async with opened(kept, body, "interrupted") as engine:
        await engine.start(engine.process, SHELF, ORDER, run_id="interrupted:1")
        await asyncio.wait_for(interrupted.wait(), 60)
        for task in asyncio.all_tasks() - ours:  # as when the program ends
            task.cancel()
    async with opened(kept, body, "interrupted") as engine:
        record = await asyncio.wait_for(engine.wait("interrupted:1"), 60)
        assert await engine.start(engine.process, SHELF, ORDER, run_id="interrupted:1") == "interrupted:1"
        assert await engine.wait("interrupted:1") == record
    assert record.status == "succeeded"
    assert record.output == {"parcel": {"number": 1, "place": "shelf"}}
    assert [step.key for step in record.steps] == ["find", "again"]
    assert calls == ["interrupted:1:find", "interrupted:1:again", "interrupted:1:again"], "the same idempotency key"


async def test_how_often_a_step_failed_in_a_row_is_noted_with_the_ends_of_runs(kept: sa.Engine) -> None:
    places = iter(["missing", "missing", "well"])

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        place = next(places)
        await run.step("in_a_row", "Find", lambda: client.find(order.number, place))
        return Delivery()

    found: list[int] = []
    async with opened(kept, body, "rows") as engine, asyncio.timeout(60):
        for _ in range(3):
            await engine.wait(await engine.start(engine.process, SHELF, ORDER))
            found += [row.in_a_row for row in streaks.every(kept) if row.step == "in_a_row"]
    assert found == [1, 2, 0]


async def test_a_run_whose_process_died_twice_runs_alone(kept: sa.Engine) -> None:
    company: list[set[str]] = []
    within = set[str]()

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        within.add(run.id)
        company.append({*within})
        await asyncio.sleep(0.05)
        within.remove(run.id)
        return Delivery()

    run_ids = [f"alone:{number}" for number in range(4)]
    async with opened(kept, body, "alone") as engine:
        engine.pause()
        for run_id in run_ids:
            await engine.start(engine.process, SHELF, ORDER, run_id=run_id)
    for _ in range(losses.SUSPECTED):
        losses.note(kept, process.name, run_ids[2:3])
    async with opened(kept, body, "alone") as engine:
        for run_id in run_ids:
            assert (await asyncio.wait_for(engine.wait(run_id), 60)).status == "succeeded"
    assert sorted(map(sorted, company)) == [[run_id] for run_id in run_ids]


async def test_attempts_failures_and_mistakes_are_recorded_and_other_processes_refused(kept: sa.Engine) -> None:
    failures = [PassingError(), PassingError()]

    async def flaky() -> int:
        if failures:
            raise failures.pop()
        return 1

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        if order.how == "misuse":
            await run.step("odd", "Odd", lambda: asyncio.sleep(0, object()), on_error="continue")  # type: ignore[arg-type]
        await run.step("flaky", "Flaky", flaky)
        await run.step("missing", "Missing", lambda: client.find(1, "missing"))
        return Delivery()

    async with opened(kept, body, "recorded") as engine:
        run_id = await engine.start(engine.process, SHELF, ORDER)
        odd = await engine.start(engine.process, SHELF, ORDER.model_copy(update={"how": "misuse"}))
        record, mistaken = await asyncio.wait_for(asyncio.gather(engine.wait(run_id), engine.wait(odd)), 60)
        with pytest.raises(MisuseError, match="this engine runs 'parcels'"):
            await engine.start(process, SHELF, ORDER)
    assert (record.status, record.failed_step) == ("failed", 2)
    assert (record.steps[0].attempts, [each.error.code for each in record.steps[0].retried]) == (
        3,
        ["upstream_failed", "upstream_failed"],
    )
    assert record.steps[1].attempts == 1, "an error that does not pass is final"
    assert mistaken.error is not None
    assert mistaken.error.code == "misuse"
    row = ledger.find_run(kept, run_id)
    assert row is not None
    assert (row.status, row.error_code, row.failed_step, row.steps_retried) == ("failed", "not_found", "missing", 2)
    assert row.ended_ms >= row.started_ms >= row.created_ms > 1_000_000_000_000


async def test_a_cancelled_run_stops_in_the_middle_of_its_step(kept: sa.Engine) -> None:
    stuck = asyncio.Event()

    async def wait_for_ever() -> None:
        stuck.set()
        await asyncio.Event().wait()

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        await run.step("stuck", "Stuck", wait_for_ever)
        return Delivery()

    async with opened(kept, body, "cancelled") as engine:
        run_id = await engine.start(engine.process, SHELF, ORDER)
        await asyncio.wait_for(stuck.wait(), 60)
        ledger.cancel(kept, [run_id])  # as by a verb that is killed then: given again, it does the rest
        await engine.cancel(run_id)
        assert (await asyncio.wait_for(engine.wait(run_id), 60)).status == "cancelled"
    row = ledger.find_run(kept, run_id)
    assert row is not None
    assert row.status == "cancelled"


@pytest.mark.parametrize("is_noted", [True, False])
async def test_a_run_that_ends_while_it_is_cancelled_has_its_result_or_can_be_resumed(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch, is_noted: bool
) -> None:
    ending, cancelled = asyncio.Event(), threading.Event()
    loop, finish = asyncio.get_running_loop(), ledger.finish

    def slowly(database: sa.Engine, record: RunRecord) -> bool:
        noted = finish(database, record) if is_noted else None
        loop.call_soon_threadsafe(ending.set)
        assert cancelled.wait(60)
        return finish(database, record) if noted is None else noted

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        await run.step("find", "Find", lambda: client.find(order.number, "well"))
        return Delivery()

    monkeypatch.setattr(ledger, "finish", slowly)
    async with opened(kept, body, "ending") as engine, asyncio.timeout(60):
        run_id = await engine.start(engine.process, SHELF, ORDER)
        await ending.wait()
        if is_noted:
            await cancel_elsewhere(kept, run_id)
            cancelled.set()
        else:
            ledger.cancel(kept, [run_id])
            cancelled.set()
            await engine.quiet(60)
            await cancel_elsewhere(kept, run_id)
        record = await engine.wait(run_id)
        assert record.status == ("succeeded" if is_noted else "cancelled")
        with transact.history(kept) as history:
            assert history is not None
            if not is_noted:
                ledger.reopen(kept, run_id)  # as by a verb that is killed then: given again, it does the rest
            row = ledger.find_run(kept, run_id)
            assert row is not None
            assert steering.resume_run(kept, history, row) is not is_noted
            record = await engine.wait(run_id)
            assert (record.status, history.records([run_id])[run_id].output) == ("succeeded", record.output)
    assert record.output is not None
    row = ledger.find_run(kept, run_id)
    assert row is not None
    assert row.status == "succeeded"


async def cancel_elsewhere(kept: sa.Engine, run_id: str) -> None:
    """As another process does, such as `runs cancel`."""
    with transact.history(kept) as history:
        assert history is not None
        await asyncio.to_thread(history.cancel, [run_id])


@pytest.mark.parametrize("here", [True, False])
async def test_a_run_that_was_cancelled_between_its_steps_begins_no_other(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    monkeypatch.setattr(recorded, "SEEN_SECONDS", 60.0 if here else 0.1)
    calls: list[str] = []
    between, cancelled = asyncio.Event(), asyncio.Event()

    async def call(name: str) -> None:
        calls.append(name)

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        await run.step("before", "Before", lambda: call("before"))
        between.set()
        await cancelled.wait()
        await run.step("after", "After", lambda: call("after"))
        return Delivery()

    async with opened(kept, body, "between") as engine:
        run_id = await engine.start(engine.process, SHELF, ORDER)
        await asyncio.wait_for(between.wait(), 60)
        if here:
            await engine.cancel(run_id)
        else:
            await cancel_elsewhere(kept, run_id)
            await asyncio.sleep(2 * recorded.SEEN_SECONDS)
        cancelled.set()
        assert (await asyncio.wait_for(engine.wait(run_id), 60)).status == "cancelled"
        await asyncio.wait_for(engine.quiet(60), 60)
    assert calls == ["before"]


async def test_a_run_that_was_resumed_before_it_stopped_repeats_no_step(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "SEEN_SECONDS", 60.0)
    calls: list[str] = []
    executions = itertools.count(1)
    begun, ahead, released, behind = (asyncio.Event() for _ in range(4))

    async def call(name: str) -> None:
        calls.append(name)

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        execution = next(executions)
        await run.step("before", "Before", lambda: call("before"))
        if execution == 1:
            begun.set()
            await released.wait()
        await run.step("after", "After", lambda: call("after"))
        if execution == 1:
            behind.set()
        else:
            ahead.set()
            await behind.wait()
        return Delivery()

    async with opened(kept, body, "resumed") as engine, asyncio.timeout(60):
        run_id = await engine.start(engine.process, SHELF, ORDER)
        await begun.wait()
        await cancel_elsewhere(kept, run_id)
        with transact.history(kept) as history:
            assert history is not None
            await asyncio.to_thread(history.resume, run_id)
        await ahead.wait()
        released.set()
        assert (await engine.wait(run_id)).status == "succeeded"
    assert calls == ["before", "after"]


async def test_the_database_is_asked_only_for_steps_that_a_run_may_have_recorded(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "SEEN_SECONDS", 60.0)  # also where this machine is slow
    asked: list[int] = []
    stopped = asyncio.Event()

    def note(_connection: object, _cursor: object, statement: str, _given: object, context: Any, _many: object) -> None:
        if "operation_outputs.output," in statement:
            asked.append(context.compiled_parameters[0]["function_id_1"])

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        for number in range(4):
            if number == 2 and not stopped.is_set():
                stopped.set()
                await asyncio.Event().wait()
            await run.step(f"find_{number}", "Find", lambda: client.find(order.number, "well"))
        return Delivery()

    sa.event.listen(kept, "before_cursor_execute", note)
    try:
        async with opened(kept, body, "asked") as engine:
            run_id = await engine.start(engine.process, SHELF, ORDER)
            await asyncio.wait_for(stopped.wait(), 60)
        fresh = [*asked]
        async with opened(kept, body, "asked") as engine:
            assert (await asyncio.wait_for(engine.wait(run_id), 60)).status == "succeeded"
    finally:
        sa.event.remove(kept, "before_cursor_execute", note)
    assert fresh == []
    assert asked == [1, 2], "what was recorded before, by the engine's numbers"


async def test_a_step_is_recorded_in_one_statement_as_the_engine_records_it(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        is_read = statement.startswith("SELECT") and "FOR NO KEY UPDATE" in statement
        if is_read or statement.startswith("UPDATE main.workflow_status SET owner_xid="):
            checks.append(statement)

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        await run.step("find", "Find", lambda: client.find(order.number, "well"))
        return Delivery()

    async def row(executor: str) -> dict[str, Any]:
        async with opened(kept, body, executor) as engine, asyncio.timeout(60):
            run_id = await engine.start(engine.process, SHELF, ORDER)
            assert (await engine.wait(run_id)).status == "succeeded"
        schema = "dbos" if kept.dialect.name == "postgresql" else "main"
        table = sa.Table("operation_outputs", sa.MetaData(), schema=schema, autoload_with=kept)
        with kept.connect() as connection:
            found = connection.execute(sa.select(table).where(table.c.workflow_uuid == run_id))
            return dict(found.mappings().one())

    sa.event.listen(kept, "before_cursor_execute", note)
    try:
        ours = await row("short")
        assert checks == []
        monkeypatch.setattr(steps, "shorten", lambda instance: None)
        theirs = await row("long")
        assert len(checks) == 1, "else this test does not see what it looks for"
    finally:
        sa.event.remove(kept, "before_cursor_execute", note)
    for of_its_own in (
        "workflow_uuid",
        "output",
        "started_at_epoch_ms",
        "completed_at_epoch_ms",
        "retention_timestamp",
    ):
        assert isinstance(ours[of_its_own], type(theirs[of_its_own]))
        assert abs(len(str(ours.pop(of_its_own))) - len(str(theirs.pop(of_its_own)))) < 20
    assert ours == theirs


async def test_a_step_that_is_not_recorded_in_one_statement_is_recorded_or_refused_by_the_engine(
    kept: sa.Engine,
) -> None:
    lost: list[str] = []
    refused: list[str] = []

    def lose(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("INSERT INTO") and "operation_outputs" in statement and not lost:
            lost.append(statement)
            raise sa.exc.OperationalError(statement, {}, Exception("lost"))

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        await run.step("find", "Find", lambda: client.find(order.number, "well"))
        system = _get_dbos_instance()._sys_db
        runs = system.tables.workflow_status

        async def record(number: int) -> None:
            step: Any = {"workflow_uuid": run.id, "function_id": number, "function_name": "find", "output": "1"}
            step |= {"error": None, "child_workflow_id": None, "started_at_epoch_ms": 1, "serialization": None}
            try:
                await asyncio.to_thread(system.record_operation_result, step)
            except (DBOSException, DBOSBaseException) as error:
                refused.append(type(error).__name__)

        await record(1)
        own = runs.c.workflow_uuid == run.id
        with system.engine.begin() as connection:
            owner = connection.execute(sa.select(runs.c.owner_xid).where(own)).scalar_one()
            connection.execute(sa.update(runs).where(own).values(owner_xid="somebody else"))
            late = asyncio.create_task(record(2))
            await asyncio.sleep(0.3)  # it waits for what this transaction decides
        await late
        with system.engine.begin() as connection:
            connection.execute(sa.update(runs).where(own).values(owner_xid=owner))
        return Delivery()

    sa.event.listen(kept, "before_cursor_execute", lose)
    try:
        async with opened(kept, body, "lost") as engine, asyncio.timeout(60):
            run_id = await engine.start(engine.process, SHELF, ORDER)
            assert (await engine.wait(run_id)).status == "succeeded"
    finally:
        sa.event.remove(kept, "before_cursor_execute", lose)
    assert lost
    assert refused == ["DBOSStepNondeterminismError", "DBOSWorkflowConflictIDError"]


def test_one_name_is_held_by_one_process_at_a_time(kept: sa.Engine) -> None:
    url = kept.url.database if kept.dialect.name == "sqlite" else kept.url.render_as_string(hide_password=False)
    program = (
        "import sys\nfrom mcp_codegen.orchestrator.durable import database\n"
        f"with database.reserved(database.connect({url!r}), 'may'):\n    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as holder:  # noqa: S603
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with database.reserved(kept, "june"):
            pass
        with pytest.raises(UserError, match="another process works on 'may' already"), database.reserved(kept, "may"):
            pass
        holder.kill()
        holder.wait(60)
    with database.reserved(kept, "may"):
        pass


async def test_waits_grow_with_jitter_obey_retry_after_and_end_with_the_budget() -> None:
    waits: list[float] = []
    asked: list[float | None] = [None, None, 7.0, 1000.0, None]
    elapsed = [0.0]

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        elapsed[0] += seconds

    async def call() -> Stored:
        raise PassingError(asked.pop(0))

    retry = Retry(attempts=10, budget=60, first_wait=1, longest_wait=2)
    outcome = await persist(retry, call, pause=pause, clock=lambda: elapsed[0])
    assert len(waits) == 3, "an hour's wait is beyond the budget"
    assert (0 <= waits[0] <= 1, 0 <= waits[1] <= 2, 7 <= waits[2] <= 9) == (True, True, True)
    assert outcome.attempts == 4
    assert [each.wait for each in outcome.retried] == [round(wait, 3) for wait in waits]
    assert asked == [None]
    with pytest.raises(MisuseError, match="at least one attempt"):
        Retry(attempts=0)


async def test_without_a_durable_engine_a_step_is_tried_once() -> None:
    async def call() -> Stored:
        raise PassingError

    assert (await attempt("key", call, Retry(attempts=5))).attempts == 1


SOURCE = '''
"""A process."""
from pydantic import BaseModel
from mcp_codegen.orchestrator import Process, Run
from tests.orchestrator.processes.parcels import Parcels

LIMIT = 3

class Given(BaseModel):
    a: int = 1

class Found(BaseModel):
    x: int = 0

def unused() -> None: ...

def helper() -> int:
    """Help."""
    return LIMIT

async def body(run: Run[Found], client: Parcels, given: Given) -> Found:
    # a comment
    return Found(x=helper())

process = Process(name="small", title="Small", client=Parcels, input=Given, output=Found, body=body)
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# a comment", "# another", True),
        ('"""Help."""', '"""Help more."""', True),
        ("def unused() -> None: ...", "", True),
        ('title="Small"', 'title="Tiny"', True),
        ("LIMIT = 3", "LIMIT = 4", False),
        ("x=helper()", "x=helper() + 1", False),
        ("a: int = 1", "a: int = 2", False),
        ("x: int = 0", "x: float = 0", False),
    ],
)
async def test_a_version_changes_with_the_code_that_decides_what_a_replay_does(
    tmp_path: Path, old: str, new: str, same: bool
) -> None:
    from mcp_codegen.orchestrator import loading  # noqa: PLC0415 - beside its use

    versions = []
    for folder, source in (("before", SOURCE), ("after", SOURCE.replace(old, new))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "small.py").write_text(source, "utf-8")
        loaded, _ = loading.load(str(tmp_path / folder / "small.py"))
        versions.append(definition.version(loaded))
    assert (versions[0] == versions[1]) is same


def test_only_one_package_imports_the_engine() -> None:
    modules = (ROOT / "mcp_codegen").rglob("*.py")
    importing = [
        path for path in modules if re.search(r"^\s*(import|from) dbos\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert {path.parent.name for path in importing} == {"transact"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mysql://host/x", "there is no such kind of database"),
        ("postgresql://u:s3cret@127.0.0.1:1/x", "cannot be reached"),
        ("notes.txt", "it is no SQLite file"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("no database at all, " * 100)
    with pytest.raises(UserError, match=message) as refused:
        database.connect(spec)
    assert "s3cret" not in str(refused.value)
