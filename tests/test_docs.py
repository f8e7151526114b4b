"""The documents say what the programs do."""

import re
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from mcp_codegen import catalog, cli
from mcp_codegen.orchestrator import cli as orchestrator_cli
from telefonica_mcp import errors

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
LANGUAGE = (ROOT / "docs" / "catalog.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


PROGRAMS: dict[str, click.Group] = {"mcp-codegen": cli.main, "mcp-orchestrator": orchestrator_cli.main}
COMMANDS = [f"{program} {name}" for program, group in PROGRAMS.items() for name in group.commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command):
    assert command in README


@pytest.mark.parametrize("target", re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
def test_the_readme_names_every_verb_of_make(target):
    assert f"make {target}" in README


@pytest.mark.parametrize("node", [catalog.Catalog, catalog.Gateway, catalog.Api, catalog.Input, catalog.Basic])
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
