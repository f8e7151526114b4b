"""What `doctor.json` tells the doctor: only calls that change nothing, and only with what the catalog knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.generated import Built, build
from tests.runtime.doors import run

TOKENS = {
    "type": "oauth2ClientCredentials",
    "tokenUrl": "${AUTH_URL}/token",
    "clientIdEnv": "CLIENT_ID",
    "clientSecretEnv": "CLIENT_SECRET",
}
ID = {"name": "id", "type": "string"}


def api(name: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"name": name, "httpMethod": method, "endpoint": f"/{name}/", **more}


def doors(folder: Path, *apis: dict[str, Any]) -> list[dict[str, Any]]:
    gateways = {"billing": {"baseUrl": "${BILLING_URL}", "auth": {"type": "bearer", "env": "BILLING_TOKEN"}}}
    built = build({"name": "probed", "gateways": gateways, "apis": list(apis)}, folder)
    [gateway] = json.loads((built.folder / "probed_mcp" / "doctor.json").read_text("utf-8"))["gateways"]
    return list(gateway["doors"])


@pytest.mark.parametrize(
    "unfit",
    [
        api("post", "POST"),
        api("delete", "DELETE"),
        api("get_that_writes", readOnly=False),
        api("no_example", inputs=[ID]),
        api("half_an_example", inputs=[{**ID, "example": "7"}, {"name": "other", "type": "int"}]),
        api("inactive", active=False),
    ],
    ids=lambda one: one["name"],
)
def test_an_api_that_writes_or_of_which_too_little_is_known_is_never_tried(tmp_path: Path, unfit: dict[str, Any]):
    found = doors(tmp_path, unfit, api("always_there", "POST"))
    assert [door.get("probe") for door in found] == [None]


@pytest.mark.parametrize(
    ("fit", "arguments"),
    [
        (api("nothing_needed"), {}),
        (api("optional", inputs=[{**ID, "required": False}]), {}),
        (api("examples_of_inputs", inputs=[{**ID, "example": "7"}]), {"id": "7"}),
        (api("example_of_a_call", inputs=[ID], examples=[{"inputs": {"id": "8"}, "output": {}}]), {"id": "8"}),
        (api("post_that_reads", "POST", readOnly=True, inputs=[{**ID, "example": "9"}]), {"id": "9"}),
    ],
    ids=lambda one: one.get("name", ""),
)
def test_an_api_that_reads_is_tried_with_the_catalogs_examples(
    tmp_path: Path, fit: dict[str, Any], arguments: dict[str, Any]
):
    [door] = doors(tmp_path, api("write", "POST"), fit)
    assert door["probe"] == {"tool": fit["name"], "arguments": arguments}


def test_each_credential_has_a_door_of_its_own(tmp_path: Path):
    found = doors(tmp_path, api("usual"), api("open", auth="none"), api("own", auth=TOKENS), api("usual_too"))
    assert [door["probe"]["tool"] for door in found] == ["usual", "open", "own"]
    assert [[one["type"] for one in door["credentials"]] for door in found] == [
        ["bearer"],
        [],
        ["oauth2ClientCredentials"],
    ]


@pytest.fixture(scope="module")
def tokens_package(tmp_path_factory: pytest.TempPathFactory) -> Built:
    gateways = {"billing": {"baseUrl": "${BILLING_URL}", "auth": TOKENS}}
    output = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    apis = [api("status", output=output)]
    return build({"name": "tokens", "gateways": gateways, "apis": apis}, tmp_path_factory.mktemp("tokens"))


def test_the_doctor_fetches_a_token_and_tells_a_refused_client(tokens_package: Built, tmp_path: Path):
    catalog = tokens_package.folder.parent / "tokens.json"
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(catalog), "--port", "0", "--json"]
    paths = os.pathsep.join([str(tokens_package.folder), *sys.path])
    doctor = [sys.executable, "-m", "tokens_mcp", "doctor", "--json"]
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        environ = json.loads(process.stdout.readline())["environment"] | {"PYTHONPATH": paths}
        well = run(doctor, tmp_path, environ)
        refused = run(doctor, tmp_path, {**environ, "CLIENT_SECRET": "an0ther+secret/of=mine"})
        process.terminate()
    told = [one["what"] for one in json.loads(well.stdout)["findings"]]
    assert "The token endpoint issues a token for CLIENT_ID." in told
    assert "billing: status answers, with the catalog's example." in told
    assert refused.returncode == 1
    problems = [one for one in json.loads(refused.stdout)["findings"] if one["level"] == "problem"]
    assert "CLIENT_SECRET" in problems[0]["remedy"]
    assert "an0ther" not in refused.stdout + refused.stderr
