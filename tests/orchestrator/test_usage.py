"""What is typed wrong is told at once, whole and clean, and nothing runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrator.conftest import PARCELS, Orchestrate

GOOD = ("--input", "number=42", "--input", "place=home")

SEVERAL = """
from pydantic import BaseModel
from mcp_codegen.orchestrator import Process, Run
class Empty(BaseModel): pass
class Client: pass
async def body(run, client, given): return Empty()
first = Process(name="one", title="One", client=Client, input=Empty, output=Empty, body=body)
second = Process(name="two", title="Two", client=Client, input=Empty, output=Empty, body=body)
"""


@pytest.fixture(autouse=True)
def _nothing_was_run(tmp_path: Path, orchestrate: Orchestrate) -> object:
    yield
    assert not list(tmp_path.rglob("*results*.json"))


def refusal(result: object) -> str:
    assert getattr(result, "exit_code") == 2  # noqa: B009 - click's Result
    assert getattr(result, "stdout") == ""  # noqa: B009
    text = str(getattr(result, "stderr"))  # noqa: B009
    assert "Traceback" not in text
    return text


def test_every_problem_of_the_inputs_is_told_at_once_with_the_inputs_that_exist(orchestrate: Orchestrate) -> None:
    words = ["number=x", "plase=home", "zzz", "tags=3", "password=abc", "how=well", "how=badly"]
    text = refusal(orchestrate("run", PARCELS, *(word for each in words for word in ("--input", each))))
    assert text.splitlines() == [
        "mcp-orchestrator: the inputs have 7 problems:",
        "  'zzz': write it as name=value",
        "  how: given twice",
        "  'plase': there is no such input; did you mean place?",
        "  number: should be a valid integer, unable to parse string as an integer; it is 'x'",
        "  place: is missing",
        "  tags: should be a valid list; it is '3'",
        "  password: Value should have at least 4 items after validation, not 3",
        "  the inputs are:",
        "    number    integer   required        The parcel's number. (such as 42)",
        "    place     string    required        Where it should be.",
        '    how       string    default "well"',
        '    then      string    default "well"',
        "    tags      array     default []",
        "    password  password  default null",
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "line 1, column 2: Expecting property name enclosed in double quotes"),
        ("[1]", "it holds no object"),
        ("[" * 100_000, "it is too deep"),
        ("9" * 10_000, "too long a number"),
        ('{"number": 0, "place": "home"}', "number: should be greater than or equal to 1; it is '0'"),
        ('{"number": 1, "place": "h\\u001b[2J"}', "place: String should match pattern '^[a-z]+$'; it is 'h\\x1b[2J'"),
    ],
)
def test_inputs_in_json_are_checked_too(orchestrate: Orchestrate, document: str, message: str) -> None:
    assert message in refusal(orchestrate("run", PARCELS, "--input-json", "-", input=document))


@pytest.mark.parametrize(("file", "message"), [("none.json", "No such file"), (".", "directory")])
def test_a_file_of_inputs_that_cannot_be_read_is_named(orchestrate: Orchestrate, file: str, message: str) -> None:
    assert message in refusal(orchestrate("run", PARCELS, "--input-json", file))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_mcp.client\n", "mine.py:1: there is no module 'nothing_mcp'\n  it is generated: `mcp-codegen"),
        ("import nothing.at.all\n", "mine.py:1: there is no module 'nothing'\n  install it into this environment"),
        ("x = 1\ny = (\n", "mine.py:2: '(' was never closed"),
        ("x = 1\n\n1 / 0\n", "mine.py:3: ZeroDivisionError: division by zero"),
        ("raise SystemExit('\\x1b[2Jbye')\n", "mine.py:1: SystemExit: \\x1b[2Jbye"),
        ("x = 1\n", "mine.py defines no process\n  end it with `process = Process("),
        ("x = '\0'\n", "mine.py:1: "),
        (SEVERAL, "mine.py defines several processes: first, second\n  say which, such as mine.py:first"),
        (SEVERAL.replace('name="one"', "name='One!'"), "mine.py:7: 'One!' cannot be a process's name"),
        (SEVERAL.replace("input=Empty", "input=int"), "mine.py:7: process 'one': input and output must be Pydantic"),
        (SEVERAL.replace("pass", "results: int = 0"), "results files use results themselves; rename them"),
    ],
)
def test_a_process_file_that_cannot_be_used_is_told_with_its_line(
    orchestrate: Orchestrate, source: str, message: str
) -> None:
    Path("mine.py").write_text(source)
    assert message in refusal(orchestrate("run", "mine.py"))


def test_the_hint_names_the_folder_of_the_generated_package_that_is_missing(orchestrate: Orchestrate) -> None:
    Path("mine.py").write_text("import shop_front_mcp\n")
    Path("out/shop-front/shop_front_mcp").mkdir(parents=True)
    Path("out/shop-front/shop_front_mcp/__init__.py").touch()
    assert "`pip install ./out/shop-front` installs it" in refusal(orchestrate("run", "mine.py"))


@pytest.mark.parametrize(
    ("process", "message"),
    [
        ("none.py", "there is no file 'none.py'"),
        (".", "'.' is a folder"),
        ("notes.txt", "'notes.txt' is no Python file"),
        (f"{PARCELS}:other", "has no process 'other'\n  it has: process"),
    ],
)
def test_a_process_that_is_not_there_is_told(orchestrate: Orchestrate, process: str, message: str) -> None:
    assert message in refusal(orchestrate("run", process))


@pytest.mark.parametrize("name", ["second", "two"])
def test_one_of_several_processes_is_chosen_by_its_variable_or_its_name(orchestrate: Orchestrate, name: str) -> None:
    Path("mine.py").write_text(SEVERAL)
    assert orchestrate("show", f"mine.py:{name}").stdout.startswith("two: Two\n")


def test_a_process_may_import_its_neighbours(orchestrate: Orchestrate) -> None:
    Path("neighbour_of_mine.py").write_text(SEVERAL)
    Path("mine.py").write_text("from neighbour_of_mine import second\n" + SEVERAL.replace("second", "_"))
    assert "defines several processes: first, _" in refusal(orchestrate("run", "mine.py"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--server", "ftp://host"], "--server 'ftp://host' is no server\n  give stdio, in-process, or a URL"),
        (["--server", "http://127.0.0.1/mcp", "--mock"], "--mock cannot stand behind a server that runs already"),
        (["--mock"], "there is no api_catalog.json beside"),
        (["--mock", "none.json"], "--mock: there is no catalog 'none.json'"),
        (["--results", "."], "results cannot be saved to '.': it is not a regular file"),
        (["--results", "/dev/null"], "results cannot be saved to '/dev/null': it is not a regular file"),
        (["--results", "file/results"], "results cannot be saved to 'file/results': "),
        (["--colour"], "No such option"),
    ],
)
def test_a_flag_that_cannot_be_used_is_told_before_anything_runs(
    orchestrate: Orchestrate, words: list[str], message: str
) -> None:
    Path("file").touch()
    assert message in refusal(orchestrate("run", PARCELS, *GOOD, *words))


def test_show_tells_what_a_process_does_and_takes(orchestrate: Orchestrate) -> None:
    lines = orchestrate("show", PARCELS).stdout.splitlines()
    assert lines[0] == "parcels: Deliver a parcel"
    assert "Find a parcel, find it again whatever happens, and skip the rest." in lines
    assert "  number    integer   required        The parcel's number. (such as 42)" in lines


@pytest.mark.parametrize("command", [[], ["run"], ["show"]])
def test_help_teaches_by_example(orchestrate: Orchestrate, command: list[str]) -> None:
    result = orchestrate(*command, "--help")
    assert result.exit_code == 0
    assert "mcp-orchestrator" in result.stdout
    assert ".py" in result.stdout
