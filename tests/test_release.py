"""What a generated package brings for its release: an image's recipe, a registry's entry, a licence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from telefonica_mcp.runtime.health import is_well
from tests.generated import build, codegen
from tests.runtime.doors import http_server

PACKAGE = Path(__file__).parents[1] / "out" / "telefonica"
API = {"name": "status", "httpMethod": "GET", "endpoint": "/status"}


def instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_needs_no_shell_and_no_root_and_names_its_base_once():
    recipe = instructions((PACKAGE / "Dockerfile").read_text("utf-8"))
    words = [word for word, _ in recipe]
    assert words[0] == "ARG"
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-[a-z]+", recipe[0][1])
    assert [rest for word, rest in recipe if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    last_stage = recipe[len(words) - words[::-1].index("FROM") :]
    assert "RUN" not in dict(last_stage)
    user, _, group = dict(last_stage)["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    exact = [rest[rest.index("[") :] for word, rest in recipe if word in ("RUN", "ENTRYPOINT", "HEALTHCHECK")]
    assert all(isinstance(json.loads(rest), list) for rest in exact)
    assert dict(last_stage)["ENTRYPOINT"] == '["telefonica-mcp"]'


def test_the_image_is_made_of_files_that_are_there_and_may_be_sent():
    recipe = instructions((PACKAGE / "Dockerfile").read_text("utf-8"))
    sent = {rest for word, rest in recipe if word == "COPY" and not rest.startswith("--from")}
    names = {name for rest in sent for name in rest.split()[:-1]}
    assert all((PACKAGE / name).exists() for name in names)
    ignored = [line for line in (PACKAGE / ".dockerignore").read_text("utf-8").splitlines() if line[:1] != "#"]
    assert ignored[0] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == names
    pyproject = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))
    assert pyproject["project"]["readme"] in names
    assert set(pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= names


def test_the_health_check_is_a_program_that_runs():
    recipe = dict(instructions((PACKAGE / "Dockerfile").read_text("utf-8")))
    python, *words = json.loads(recipe["HEALTHCHECK"].partition("CMD ")[2])
    assert python == "python"
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert ended.returncode in (0, 1)
    assert ended.stderr == ""


def test_a_server_over_http_is_well_while_it_answers_and_one_over_stdio_while_it_runs(tmp_path: Path):
    start = ["/opt/server/bin/python", "/opt/server/bin/telefonica-mcp"]
    with http_server({"APIM_BASE_URL": ""}, tmp_path, "--host", "127.0.0.1") as server:
        words = [*start, "--transport", "http", "--allowed-host", "mcp.example.com", f"--port={server.port}"]
        assert is_well(words)
        assert is_well([*words, "--host", "0.0.0.0"])  # noqa: S104 - asked, not listened on
    assert not is_well(words)
    assert is_well(start)
    assert is_well([*start, "--read-only"])


@pytest.mark.parametrize("about", [{}, {"title": "T" * 300, "description": "D " * 300, "namespace": "cl.acme.apis"}])
def test_the_registrys_entry_keeps_the_schemas_limits(tmp_path: Path, about: dict[str, Any]):
    """The schema of 2025-12-11: what it demands and what it bounds."""
    built = build({"name": "released", "apis": [API], **about}, tmp_path)
    entry = json.loads((built.folder / "server.json").read_text("utf-8"))
    assert entry["name"] == f"{about.get('namespace', 'com.example')}/released-mcp"
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["title"]) <= 100
    assert 1 <= len(entry["description"]) <= 100
    [package] = entry["packages"]
    assert (package["registryType"], package["identifier"]) == ("pypi", "released-mcp")
    assert package["version"] == entry["version"] == "1.0.0"
    assert package["transport"] == {"type": "stdio"}
    variables = {one["name"]: one for one in package["environmentVariables"]}
    assert variables["BEARER_TOKEN"]["isSecret"] is True
    assert not {"default", "placeholder", "value"} & variables["BEARER_TOKEN"].keys()
    assert f"<!-- mcp-name: {entry['name']} -->" in (built.folder / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("written", "kept"), [("apache-2.0", "Apache-2.0"), ("LicenseRef-Acme", "LicenseRef-Acme")])
def test_a_license_of_the_catalog_is_the_packages(tmp_path: Path, written: str, kept: str):
    built = build({"name": "licensed", "license": written, "apis": [API]}, tmp_path)
    assert tomllib.loads((built.folder / "pyproject.toml").read_text("utf-8"))["project"]["license"] == kept


@pytest.mark.parametrize(("key", "value"), [("license", "MITT"), ("namespace", "Acme Inc")])
def test_what_no_registry_would_take_is_refused_in_the_catalog(tmp_path: Path, key: str, value: str):
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps({"name": "refused", key: value, "apis": [API]}), "utf-8")
    refused = codegen("validate", file)
    assert refused.exit_code == 1
    assert f": {key}: " in refused.stderr
