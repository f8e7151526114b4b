"""The generated package as a stranger installs it: its wheel, in a virtual environment without the generator.

The environment is new and isolated, and holds the wheel. What the wheel depends on is not fetched again: a `.pth` line
leads to this project's own site-packages, from where an editable install such as the generator's cannot be imported.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pydantic
import pytest
from mcp import Client, StdioServerParameters
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.runtime.doors import DEBT, INVOICES, LINK, http_server, run, settings, surroundings
from tests.runtime.upstream import Upstream

pytestmark = pytest.mark.anyio

PACKAGE = Path(__file__).parents[2] / "out" / "telefonica"
CALLS = {"deuda_fija": DEBT, "listado_de_boletas_fija": INVOICES, "retrieve_invoice_link": LINK}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the package's wheel in it."""
    folder = tmp_path_factory.mktemp("alone")
    done(run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], PACKAGE, {}))
    home = folder / "venv"
    venv.create(home, symlinks=True)
    [wheel] = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "--disable-pip-version-check"]
    done(run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], folder, {}))
    [site_packages] = home.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(f"{Path(pydantic.__file__).parents[1]}\n")
    return home


def python(installed: Path, *arguments: str, **environ: str) -> str:
    return done(run([str(installed / "bin" / "python"), "-I", *arguments], installed, environ))


def done(ended: subprocess.CompletedProcess[str]) -> str:
    """What it printed, having succeeded."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_generator_is_not_there(installed: Path):
    probe = """
import importlib.util, pathlib, sys, telefonica_mcp.server, telefonica_mcp.client, telefonica_mcp.tools.telefonica
assert importlib.util.find_spec("mcp_codegen") is None
assert pathlib.Path(telefonica_mcp.__file__).is_relative_to(sys.prefix)
print(sys.prefix)
"""
    assert python(installed, "-c", probe).strip() == str(installed)


def test_its_metadata_is_right(installed: Path):
    [info] = installed.glob("lib/python*/site-packages/telefonica_mcp-*.dist-info")
    package = metadata.PathDistribution(info)
    assert package.metadata["Name"] == "telefonica-mcp"
    assert package.version == "1.0.0"
    assert package.metadata["Requires-Python"] == ">=3.11"
    assert package.metadata["Summary"] == "MCP server and typed client of Telefónica billing"
    assert "| `deuda_fija` |" in package.metadata.get_payload()
    [script] = package.entry_points
    assert (script.name, script.value) == ("telefonica-mcp", "telefonica_mcp.server:main")
    assert (installed / "bin" / "telefonica-mcp").is_file()
    assert (info.parent / "telefonica_mcp" / "py.typed").is_file()
    assert (info.parent / "telefonica_mcp" / "tools.json").is_file()


def test_it_imports_nothing_that_it_does_not_require():
    files = [ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.glob("telefonica_mcp/**/*.py")]
    nodes = [node for file in files for node in ast.walk(file)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level and node.module}
    modules = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"telefonica_mcp"}
    modules -= {"agent_framework"}  # of the extra `agent`, for types alone
    assert {"mcp", "httpx", "pydantic"} <= modules
    owners = {module: set(map(canonicalize_name, metadata.packages_distributions()[module])) for module in modules}
    required = set(requirements("telefonica-mcp"))
    assert {module for module, names in owners.items() if not names & required} == set()


def requirements(distribution: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """What an installation of it brings, however deep."""
    for line in metadata.requires(distribution) or ():
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name not in seen and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            yield name
            yield from requirements(name, seen | {name})


def test_it_passes_mypy_strict(installed: Path, mypy: Callable[..., str]):
    python = (str(installed / "bin" / "python"), "-I")
    assert mypy("-p", "telefonica_mcp", python=python, folder=installed) == ""


async def test_its_command_serves_over_stdio(installed: Path, upstream: Upstream, tmp_path: Path):
    command = StdioServerParameters(
        command=str(installed / "bin" / "telefonica-mcp"), env=surroundings(settings(upstream.url)), cwd=tmp_path
    )
    async with Client(command) as client:
        await each_tool_works(client, upstream)


async def test_its_command_serves_over_http(installed: Path, upstream: Upstream, tmp_path: Path):
    command = (str(installed / "bin" / "telefonica-mcp"),)
    with http_server(settings(upstream.url), tmp_path, serve=command) as server:
        async with Client(server.url) as client:
            await each_tool_works(client, upstream)


async def each_tool_works(client: Client, upstream: Upstream) -> None:
    assert {tool.name for tool in (await client.list_tools()).tools} == set(CALLS)
    for tool, arguments in CALLS.items():
        result = await client.call_tool(tool, arguments)
        assert not result.is_error
        assert result.structured_content is not None
    assert [request.path.rpartition("/")[2] for request in upstream.received] == [
        "fixed",
        "GetListInvoices",
        "RetrieveInvoiceLink",
    ]


def test_its_client_launches_its_server(installed: Path, upstream: Upstream):
    script = """
import asyncio
from telefonica_mcp.client import TelefonicaClient

async def main():
    async with TelefonicaClient.launch() as client:
        print((await client.listado_de_boletas_fija(customer_id=45829374, msisidn="56987654321")).customer_name)

asyncio.run(main())
"""
    assert python(installed, "-c", script, **settings(upstream.url)) == "LOPEZ TORRES MIGUEL ALEJANDRO\n"
