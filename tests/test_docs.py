"""The documents say what the programs do."""

import asyncio
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel, TypeAdapter

from mcp_codegen import catalog, cli, pipeline
from mcp_codegen.orchestrator import cli as orchestrator_cli
from mcp_codegen.standin import environment
from telefonica_mcp import errors
from tests.generated import build
from tests.standin.conftest import served

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
LANGUAGE = (ROOT / "docs" / "catalog.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


PROGRAMS: dict[str, click.Group] = {"mcp-codegen": cli.main, "mcp-orchestrator": orchestrator_cli.main}
VERBS = {program: group.list_commands(click.Context(group)) for program, group in PROGRAMS.items()}
COMMANDS = [f"{program} {name}" for program, names in VERBS.items() for name in names]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command):
    assert command in README


@pytest.mark.parametrize("target", re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
def test_the_readme_names_every_verb_of_make(target):
    assert f"make {target}" in README


PAGES = [catalog.OffsetPages, catalog.NumberedPages, catalog.CursorPages, catalog.LinkedPages]


@pytest.mark.parametrize("node", [catalog.Catalog, catalog.Gateway, catalog.Api, catalog.Input, catalog.Basic, *PAGES])
def test_the_language_reference_names_every_key(node: type[BaseModel]):
    keys = {field.alias or name for name, field in node.model_fields.items()} - {"$schema"}
    undocumented = {key for key in keys if f"`{key}`" not in LANGUAGE}
    assert not undocumented


def test_the_architecture_has_a_line_for_every_module_of_the_generator():
    modules = {path.stem for path in (ROOT / "mcp_codegen").iterdir() if not path.name.startswith("_")}
    unsaid = {name for name in modules - {"orchestrator", "py"} if f"`{name}`" not in ARCHITECTURE}
    assert not unsaid


def test_the_architecture_justifies_every_dependency():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    assert block
    names = re.findall(r'^    "([a-z0-9_-]+)', block[1], re.MULTILINE)
    table = ARCHITECTURE.partition("## Dependencies")[2]
    assert names
    assert not [name for name in names if name not in table]


def test_the_generated_readme_names_every_code_of_an_error():
    readme = (ROOT / "out" / "telefonica" / "README.md").read_text("utf-8")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ApiError)]
    codes = {kind.code for kind in kinds} - {"failed"}
    assert len(codes) > 10
    assert not [code for code in codes if f"`{code}`" not in readme]


def test_the_programs_in_the_readme_pass_the_checks_that_they_would_be_held_to(tmp_path, mypy):
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(programs) == 3
    files = [tmp_path / f"program_{number}.py" for number in range(len(programs))]
    for file, program in zip(files, programs, strict=True):
        file.write_text(program, "utf-8")
    settings = str(ROOT / "pyproject.toml")
    lint = [sys.executable, "-m", "ruff", "check", "--no-cache", "--ignore", "T20,D103", "--config", settings, *files]
    result = subprocess.run(lint, check=False, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - ours
    assert result.returncode == 0, result.stdout
    assert mypy(*files) == ""


def test_the_programs_in_the_readme_run(tmp_path):
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    process = tmp_path / "cheapest_invoice.py"
    process.write_text(programs[0], "utf-8")
    apis = pipeline.load(ROOT / "catalog" / "telefonica" / "api_catalog.json").catalog
    with served(apis) as client:
        environ = {**os.environ, **environment(apis, str(client.base_url).rstrip("/"), {})}
        inputs = ["--input", "customer_id=45829374", "--input", "msisidn=56987654321"]
        commands = [[sys.executable, "-m", "mcp_codegen.orchestrator", "run", str(process), *inputs]]
        commands += [[sys.executable, "-c", program] for program in programs[1:]]
        results = [
            subprocess.run(  # noqa: S603 - ours
                command, check=False, capture_output=True, text=True, env=environ, cwd=tmp_path
            )
            for command in commands
        ]
    assert [result.returncode for result in results] == [0, 0, 0], results
    assert "8756" in (tmp_path / "orchestrator_results.json").read_text("utf-8")
    assert results[1].stdout == "LOPEZ TORRES MIGUEL ALEJANDRO [9539, 8756, 10484]\n"
    assert "523_47_682957384.pdf" in results[2].stdout


def test_the_policies_of_pages_in_the_language_reference_are_good_ones():
    table = LANGUAGE.partition("| API | policy |")[2].partition("\n\n")[0]
    written = re.findall(r"\| `(\{.*?\})` \|", table)
    assert len(written) == 7
    for policy in written:
        TypeAdapter(catalog.Pages).validate_json(policy)


def test_the_iteration_in_the_language_reference_runs_against_the_stand_in(tmp_path, capsys):
    inputs = [{"name": name, "type": "int", "required": False} for name in ("customer", "offset", "limit")]
    invoice = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}
    listing = {"name": "list_invoices", "httpMethod": "GET", "endpoint": "/invoices", "inputs": inputs}
    listing |= {"pagination": {"type": "offset"}, "output": {"type": "array", "items": invoice}}
    built = build({"name": "docs", "gateways": {"own": {"baseUrl": "${OWN_URL}"}}, "apis": [listing]}, tmp_path)
    (snippet,) = re.findall(r"```python\n(async for.*?)```", LANGUAGE, re.DOTALL)
    program = f"""
import asyncio
from docs_mcp.client import DocsClient
async def main(environ):
    async with DocsClient.in_process(environ) as client:
{textwrap.indent(snippet, " " * 8)}
"""
    with served(pipeline.load(tmp_path / "docs.json").catalog) as client, built.importable():
        space: dict[str, Any] = {}
        exec(program, space)  # noqa: S102 - the document's own
        asyncio.run(space["main"]({"OWN_URL": str(client.base_url).rstrip("/")}))
    assert 21 <= len(capsys.readouterr().out.split("\n")) - 1 <= 29
