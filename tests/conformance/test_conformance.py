"""What the protocol's own judges say of generated servers: the conformance suite, and the inspector as a host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.conformance import judges as npm
from tests.conformance.judges import Judges
from tests.generated import codegen
from tests.runtime.doors import DEBT, INVOICES, LINK, SERVE, http_server

CATALOG = Path(__file__).parents[2] / "catalog" / "telefonica" / "api_catalog.json"
EXPECTED: Mapping[str, Mapping[str, str]] = yaml.safe_load(Path(__file__).with_name("expected.yml").read_text("utf-8"))
CALLS = {"deuda_fija": DEBT, "listado_de_boletas_fija": INVOICES, "retrieve_invoice_link": LINK}
SUMMARY = re.compile(r"^([✓✗]) ([a-z0-9-]+): (\d+) passed, (\d+) failed", re.MULTILINE)


@pytest.fixture(scope="session")
def judges() -> Judges:
    try:
        return npm.installed()
    except (npm.MissingError, ImportError) as error:
        pytest.skip(f"the external judges cannot be had: {error}")


@contextmanager
def stand_in(catalog: Path, folder: Path, *words: str) -> Iterator[dict[str, str]]:
    """The settings of a server whose APIs the stand-in answers for."""
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(catalog), "--port", "0", "--json", *words]
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["environment"]
        process.terminate()


@pytest.fixture(scope="module")
def flagship(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with stand_in(CATALOG, tmp_path_factory.mktemp("stand-in")) as environ:
        yield environ


def results(ended: subprocess.CompletedProcess[str]) -> dict[str, bool]:
    """Each scenario that ran, and whether it passed."""
    found = {name: mark == "✓" for mark, name, _, _ in SUMMARY.findall(ended.stdout)}
    assert found, ended.stdout + ended.stderr
    return found


def test_every_applicable_scenario_passes(judges: Judges, flagship: dict[str, str], tmp_path: Path):
    with http_server(flagship, tmp_path) as server:
        found = results(judges.conformance("server", "--url", server.url, folder=tmp_path))
    failed = {name for name, passed in found.items() if not passed}
    expected = {name for names in EXPECTED.values() for name in names}
    assert failed == expected
    assert {"server-initialize", "ping", "tools-list", "dns-rebinding-protection"} <= found.keys() - failed


def test_what_asks_for_tools_of_its_own_passes_with_a_catalog_of_them(judges: Judges, tmp_path: Path):
    catalog = Path(__file__).with_name("fixtures.json")
    assert codegen("generate", catalog, "--out", tmp_path).exit_code == 0
    paths = os.pathsep.join([str(tmp_path / "fixtures"), *sys.path])
    serve = (sys.executable, "-m", "fixtures_mcp")
    with (
        stand_in(catalog, tmp_path, "--fail", "test_error_handling=500") as environ,
        http_server({**environ, "PYTHONPATH": paths}, tmp_path, serve=serve) as server,
    ):
        said = [
            judges.conformance("server", "--url", server.url, "--scenario", name, folder=tmp_path)
            for name in EXPECTED["fixtures"]
        ]
    assert [ended.returncode for ended in said] == [0] * len(said), [ended.stdout for ended in said]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_the_inspector_lists_and_calls_each_tool(
    judges: Judges, flagship: dict[str, str], tmp_path: Path, transport: str
):
    if transport == "stdio":
        settings = [word for name, value in flagship.items() for word in ("-e", f"{name}={value}")]
        paths = os.pathsep.join(sys.path)
        inspected(judges, tmp_path, ["--cli", *settings, "-e", f"PYTHONPATH={paths}"], ["--", *SERVE])
    else:
        with http_server(flagship, tmp_path) as server:
            inspected(judges, tmp_path, ["--cli", server.url, "--transport", "http"], [])


def inspected(judges: Judges, folder: Path, before: list[str], behind: list[str]) -> None:
    def inspect(*words: str) -> dict[str, object]:
        ended = judges.inspector(*before, "--method", *words, *behind, folder=folder)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return dict(json.loads(ended.stdout))

    listed = inspect("tools/list", "--strict")
    assert {tool["name"] for tool in listed["tools"]} == set(CALLS)  # type: ignore[attr-defined]
    for tool, arguments in CALLS.items():
        answered = inspect("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        assert answered["isError"] is False
        assert answered["structuredContent"]
