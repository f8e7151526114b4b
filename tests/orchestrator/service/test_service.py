"""Runs, batches and events over HTTP, with a worker that runs them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcp_codegen.orchestrator.durable import batch_ledger, database, processors
from mcp_codegen.orchestrator.service import tables, working
from mcp_codegen.orchestrator.service.feed import LOOK_SECONDS, Feed, Listener
from tests.orchestrator.service.conftest import PATIENCE, Served, ended, is_problem, serving, until

PHONE = "56911112222"


def order(number: int = 7, how: str = "well", **more: Any) -> dict[str, Any]:
    return {"process": "favours", "input": {"number": number, "phone": PHONE, "how": how}, **more}


def read(client: httpx.Client, batch: str) -> dict[str, Any] | None:
    """A batch all of whose rows were read."""
    told: dict[str, Any] = client.get(f"/batches/{batch}").json()
    return told if told["state"] in ("submitted", "ended") else None


def finished(client: httpx.Client, batch: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = client.get(f"/batches/{batch}").json()
        return told if told["state"] == "ended" else None

    told: dict[str, Any] = until(look)
    return told


def test_starting_a_run_twice_is_harmless_and_its_id_with_another_input_is_a_conflict(service: Served) -> None:
    with service.client("operator") as client:
        assert client.put("/runs/twice", json=order()).status_code == 201
        again = client.put("/runs/twice", json=order())
        assert again.status_code == 200
        assert again.json()["run_id"] == "twice"
        assert is_problem(client.put("/runs/twice", json=order(8)), 409, "run_conflict")
        assert ended(client, "twice")["status"] == "succeeded"
        assert client.put("/runs/twice", json=order()).json()["status"] == "succeeded"


def test_a_run_is_told_with_its_steps_and_personal_data_only_to_whom_may_see_it(service: Served) -> None:
    with service.client("operator") as client:
        client.put("/runs/told", json=order(9))
        whole = ended(client, "told")
    assert [(step["key"], step["status"]) for step in whole["steps"]] == [("fetch", "success")]
    assert (whole["input"]["phone"], whole["output"]["told"]) == (PHONE, PHONE)
    with service.client("viewer") as client:
        shown = client.get("/runs/told")
    assert PHONE not in shown.text
    assert shown.json()["output"]["parcel"]["number"] == 9


def test_what_is_wrong_with_an_input_is_told_all_at_once_and_starts_nothing(service: Served) -> None:
    with service.client("operator") as client:
        wrong = client.put("/runs/wrong", json={"process": "favours", "input": {"number": "7", "phone": "x"}})
        assert is_problem(wrong, 422)
        assert [each["pointer"] for each in wrong.json()["errors"]] == ["body/input/number", "body/input/phone"]
        strange = client.put("/runs/wrong", json={"process": "favours", "input": {"numbr": 7}})
        assert "did you mean number" in strange.json()["errors"][0]["message"]
        assert is_problem(client.get("/runs/wrong"), 404, "unknown_run")


def test_a_file_is_read_on_when_the_database_takes_its_rows_again(service: Served) -> None:
    rows = [order(number)["input"] for number in range(1, 251)]
    refuse = (
        "CREATE TRIGGER refuse BEFORE INSERT ON orchestrator_runs WHEN NEW.batch = 'unlucky' AND NEW.row > 150 "
        "BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with closing(sqlite3.connect(service.folder / "orchestrator.sqlite")) as kept, service.client("operator") as client:
        kept.execute(refuse)
        try:
            assert client.post("/batches", json={"process": "favours", "batch": "unlucky", "rows": rows}).is_success
            until(lambda: client.get("/batches/unlucky").json()["runs"])
        finally:
            kept.execute("DROP TRIGGER refuse")
        assert sum(until(lambda: read(client, "unlucky"))["runs"].values()) == len(rows)
        assert client.get("/batches/unlucky").json()["problem"] is None
        client.post("/batches/unlucky/cancel")


def test_a_failed_run_is_retried_and_a_stuck_one_cancelled_and_resumed(service: Served) -> None:
    with service.client("operator") as client:
        client.put("/runs/failing", json=order(how="missing"))
        failed = ended(client, "failing")
        assert (failed["status"], failed["failed_step"], failed["error"]["code"]) == ("failed", "fetch", "not_found")
        assert is_problem(client.post("/runs/failing/cancel"), 409, "wrong_state")
        assert client.post("/runs/failing/retry").json()["ended_at"] is None
        assert ended(client, "failing")["status"] == "failed"
        client.put("/runs/stuck", json=order(how="stuck"))
        until(lambda: client.get("/runs/stuck").json()["status"] == "running")
        assert client.post("/runs/stuck/cancel").json()["status"] == "cancelled"
        assert client.post("/runs/stuck/cancel").status_code == 200
        assert client.post("/runs/stuck/resume").json()["ended_at"] is None
        assert client.post("/runs/stuck/cancel").json()["status"] == "cancelled"


@pytest.mark.parametrize("kind", ["json", "csv", "jsonl"])
def test_rows_become_runs_once_each_and_those_that_do_not_fit_are_told(service: Served, kind: str) -> None:
    rows: list[dict[str, Any]] = [{"number": number, "phone": PHONE} for number in (1, 2, 3)]
    rows += [{"number": 4, "phone": PHONE, "how": "missing"}, {"number": 0, "phone": PHONE}]
    columns = ("number", "phone", "how")
    files = {
        "csv": "\n".join([",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]),
        "jsonl": "\n".join(map(json.dumps, rows)),
    }
    form = {"process": "favours", "batch": f"by-{kind}"}

    def submit() -> httpx.Response:
        if kind == "json":
            return client.post("/batches", json={**form, "rows": rows})
        return client.post("/batches", data=form, files={"file": (f"rows.{kind}", files[kind])})

    with service.client("operator") as client:
        answer = submit()
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"/batches/by-{kind}"
        told = finished(client, f"by-{kind}")
        assert told["runs"] == {"succeeded": 3, "failed": 1}
        assert told["failures"][0]["code"] == "not_found"
        assert submit().status_code == 202
        again = until(lambda: read(client, f"by-{kind}"))
        assert (again["runs"], again["rejected"]) == (told["runs"], 1)
        rejects = list(csv.DictReader(io.StringIO(client.get(f"/batches/by-{kind}/rejects").text)))
        assert [(row["row"], "number" in row["reason"]) for row in rejects] == [("6" if kind == "csv" else "5", True)]
        results = {form: client.get(f"/batches/by-{kind}/results?format={form}") for form in ("csv", "json", "jsonl")}
    assert [row["status"] for row in csv.DictReader(io.StringIO(results["csv"].text))] == ["succeeded"] * 3 + ["failed"]
    lines = [json.loads(line) for line in results["jsonl"].text.splitlines()]
    assert lines == results["json"].json()
    with service.client("viewer") as client:
        assert PHONE not in client.get(f"/batches/by-{kind}/results").text


def test_pages_hold_each_run_once(service: Served) -> None:
    with service.client("operator") as client:
        rows = [{"number": number, "phone": PHONE} for number in range(1, 8)]
        client.post("/batches", json={"process": "favours", "batch": "paged", "rows": rows})
        until(lambda: read(client, "paged"))
        seen: list[int] = []
        query: dict[str, Any] = {"batch": "paged", "limit": 3}
        while True:
            page = client.get("/runs", params=query).json()
            seen += [run["row"] for run in page["runs"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert seen == [1, 2, 3, 4, 5, 6, 7]
        assert client.get("/runs", params={"batch": "paged", "status": "failed"}).json() == {"runs": [], "next": None}
        assert is_problem(client.get("/runs?cursor=nonsense"), 404, "unknown_cursor")


def test_a_batch_is_paused_resumed_and_cancelled(service: Served) -> None:
    with service.client("operator") as client:
        rows = [{"number": number, "phone": PHONE, "how": "stuck"} for number in range(1, 4)]
        client.post("/batches", json={"process": "favours", "batch": "halting", "rows": rows})
        until(lambda: client.get("/batches/halting").json()["state"] == "submitted")
        assert is_problem(client.post("/batches/halting/resume"), 409, "wrong_state")
        assert client.post("/batches/halting/pause").json()["state"] == "paused"
        assert client.post("/batches/halting/pause").status_code == 200
        assert client.post("/batches/halting/resume").json()["state"] == "submitted"
        assert client.post("/batches/halting/cancel").json()["runs"] == {"cancelled": 3}
        more = client.post("/batches", json={"process": "favours", "batch": "halting", "rows": rows})
        assert is_problem(more, 409, "wrong_state")


def test_who_lost_the_stream_of_events_goes_on_where_it_was(service: Served) -> None:
    with service.client("operator") as client:
        first = _events(client, "0", "heard-1", lambda: client.put("/runs/heard-1", json=order()))
        client.put("/runs/heard-2", json=order())
        ended(client, "heard-2")
        second = _events(client, first, "heard-2", lambda: None)
    assert int(second) >= int(first)


def _events(client: httpx.Client, last: str, run_id: str, then: Any) -> str:
    """Listen until that run is told to have succeeded; gives the id of that event."""
    with client.stream("GET", "/events", headers={"Last-Event-ID": last}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        then()
        event: dict[str, str] = {}
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            event[name] = value
            if name == "data" and event["event"] == "run":
                told = json.loads(value)
                if (told["run_id"], told["status"]) == (run_id, "succeeded"):
                    return event["id"]
    pytest.fail("the stream ended")


def test_every_error_is_a_problem_document(service: Served) -> None:
    with service.client("admin") as client:
        assert is_problem(client.get("/nothing"), 404, "not_found")
        wrong = client.delete("/runs/x")
        assert is_problem(wrong, 405, "method_not_allowed")
        assert wrong.headers["allow"] == "GET, PUT"
        as_json = {"Content-Type": "application/json"}
        for body in (b"{", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 100_000):
            assert is_problem(client.put("/runs/x", content=body, headers=as_json), 400)
        twice = b'{"process": "favours", "input": {"number": 1, "number": 2, "phone": "600000001"}}'
        assert is_problem(client.put("/runs/x", content=twice, headers=as_json), 400, "invalid_json")
        rows = b'{"process": "favours", "rows": [{"number": 1, "number": 2}]}'
        assert "'number': given twice" in client.post("/batches", content=rows, headers=as_json).json()["detail"]
        assert is_problem(client.post("/batches", content=b"a,b", headers={"Content-Type": "text/csv"}), 415)
        assert is_problem(client.put("/runs/x", content=b" " * 2_000_001, headers=as_json), 413, "too_large")
        assert is_problem(client.get("/runs?limit=0"), 422, "invalid_request")
        assert is_problem(client.put("/runs/x", json={"process": "other", "input": {}}), 404, "unknown_process")
        listing = client.get("/runs").headers
    assert "default-src 'none'" in listing["content-security-policy"]
    assert listing["x-request-id"]
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as plain:
        plain.sendall(b"NONSENSE\r\n\r\n")
        answer = plain.makefile("rb").read()
    assert b"application/problem+json" in answer


def test_a_file_that_is_none_is_the_problem_of_its_batch(service: Served) -> None:
    with service.client("operator") as client:
        form = {"process": "favours", "batch": "no-file"}
        told = client.post("/batches", data=form, files={"file": ("rows.csv", "a,b\n1,2\n")})
    assert told.status_code == 202
    assert "its header lacks number, phone" in told.json()["problem"]
    assert str(service.folder) not in told.text


def test_a_batch_that_was_accepted_is_read_to_its_end_by_the_next_service_after_a_kill(tmp_path: Path) -> None:
    rows = "\n".join(json.dumps({"number": number, "phone": PHONE}) for number in range(1, 601))
    form = {"process": "favours", "batch": "large"}
    with serving(tmp_path, "--no-work") as first, first.client() as client:
        assert client.post("/batches", data=form, files={"file": ("rows.jsonl", rows)}).status_code == 202
        first.kill()
    with serving(tmp_path, "--no-work") as second, second.client() as client:
        until(lambda: client.get("/batches/large").json()["state"] == "submitted")
        assert client.get("/batches/large").json()["runs"] == {"unfinished": 600}
        assert [path.name for path in (tmp_path / "orchestrator-spool").iterdir()] == []


def test_a_signal_ends_the_streams_and_the_service_in_order(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-work") as served, served.client() as client:
        with client.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            served.program.send_signal(signal.SIGTERM)
            assert [line for line in lines if line] == []
        assert served.program.wait(PATIENCE) == 0


def workers(of: Served) -> dict[int, int]:
    """How nice each worker of a service is, by its process."""
    listed = subprocess.run(["ps", "-Ao", "ppid=,pid=,nice="], capture_output=True, text=True, check=True)  # noqa: S607
    lines = [line.split() for line in listed.stdout.splitlines()]
    return {int(process): int(nice) for parent, process, nice in lines if parent == str(of.program.pid)}


def test_workers_leave_the_processors_to_the_service(service: Served) -> None:
    own = os.getpriority(os.PRIO_PROCESS, service.program.pid)
    expected = min(own + working.NICENESS, 19)
    until(lambda: (found := workers(service)) and set(found.values()) == {expected})


@pytest.mark.skipif(len(processors.ALLOWED) < 2, reason="it takes two processors, on Linux")
def test_service_and_worker_keep_to_a_processor_each_to_which_no_worker_is_bound_that_is_started_anew(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as served:
        (first,) = until(lambda: workers(served))
        for process in (served.program.pid, first):
            until(lambda process=process: len(os.sched_getaffinity(process)) == 1)
        os.kill(first, signal.SIGKILL)
        (second,) = until(lambda: workers(served).keys() - {first})
        until(lambda: os.sched_getaffinity(second) == processors.ALLOWED)


def test_those_who_start_together_on_a_new_database_all_find_its_tables(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        for number in range(3):
            place = str(tmp_path / f"{number}.sqlite")
            assert (
                list(pool.map(lambda _, place=place: tables.prepare(database.connect(place)), range(6))) == [None] * 6
            )


@pytest.mark.anyio
async def test_who_listens_while_the_database_is_away_hears_what_changes_when_it_is_back(tmp_path: Path) -> None:
    kept = database.connect(str(tmp_path / "late.sqlite"))
    feed, listener = Feed(kept), Listener()
    with feed.told(listener):
        await asyncio.sleep(LOOK_SECONDS / 5)  # it looks, and there are no tables
        await asyncio.to_thread(tables.prepare, kept)
        numbers = iter(range(1000))
        async with asyncio.timeout(PATIENCE):
            while listener.queue.empty():
                name = f"late-{next(numbers)}"
                await asyncio.to_thread(
                    batch_ledger.begin, kept, name, process="favours", source="x.csv", mock=False, priority="normal"
                )
                await asyncio.sleep(LOOK_SECONDS / 5)  # until it has looked again
        told = await listener.queue.get()
    assert told is not None
    assert told.kind == "batch"
    kept.dispose()
