"""`mcp-codegen doctor`: the installation, the settings of language models, catalogs and their output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.generated import codegen

CATALOG = {"name": "looked_at", "apis": [{"name": "status", "httpMethod": "GET", "endpoint": "/status"}]}
VARIABLES = (
    "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
KEY = "s3cret-key/of+azure="


@pytest.fixture(autouse=True)
def no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    file = tmp_path / "looked_at.json"
    file.write_text(json.dumps(CATALOG), "utf-8")
    return file


def doctor(*words: object) -> tuple[int, list[dict[str, Any]]]:
    result = codegen("doctor", "--json", *words)
    assert KEY not in result.output
    whole = json.loads(result.stdout)
    assert all(one["remedy"] for one in whole["findings"] if one["level"] != "ok")
    return result.exit_code, whole["findings"]


def problems(findings: list[dict[str, Any]]) -> list[str]:
    return [one["what"] for one in findings if one["level"] == "problem"]


def test_a_package_that_is_fresh_stale_edited_or_missing_is_told_apart(catalog: Path, tmp_path: Path):
    out = tmp_path / "out"
    code, findings = doctor(catalog, "--out", out)
    assert code == 0
    assert "nothing was generated there yet" in findings[-1]["what"]
    codegen("generate", catalog, "--out", out)
    assert "unchanged and up to date" in doctor(catalog, "--out", out)[1][-1]["what"]
    catalog.write_text(json.dumps({**CATALOG, "title": "Another"}), "utf-8")
    code, findings = doctor(catalog, "--out", out)
    assert code == 1
    assert "is not what" in problems(findings)[0]
    (out / "looked_at" / "mcp.json").write_text("{}", "utf-8")
    (out / "looked_at" / "looked_at_mcp" / "errors.py").unlink()
    assert "edited since generated: looked_at_mcp/errors.py, mcp.json" in problems(doctor(catalog, "--out", out)[1])[0]


def test_a_catalog_that_is_wrong_is_one_finding_with_the_way_to_all_of_them(tmp_path: Path):
    file = tmp_path / "wrong.json"
    file.write_text('{"apis": [{"name": "a", "httpMethod": "GET"}, {"name": "a"}]}', "utf-8")
    code, findings = doctor(file)
    assert code == 1
    [one] = [one for one in findings if one["level"] == "problem"]
    assert "mcp-codegen validate" in one["remedy"]


ENDPOINTS = {
    "https://acme.openai.azure.com": "ok",
    "https://acme.services.ai.azure.com/": "ok",
    "acme.openai.azure.com": "problem",
    "https://acme.openai.azure.com/openai/deployments/gpt-5/chat/completions?api-version=1": "problem",
    "https://acme.openai.azure.com/openai/v1": "problem",
    "https://api.openai.com": "problem",
    "https://ai.azure.com": "problem",
    "https://portal.azure.com": "problem",
    "https://user:pass@acme.openai.azure.com": "problem",
    "https://acme.azure-api.net": "warning",
    "https://models.acme.cl": "warning",
}


@pytest.mark.parametrize(("endpoint", "level"), ENDPOINTS.items(), ids=ENDPOINTS)
def test_an_azure_endpoint_of_the_wrong_kind_is_named(
    monkeypatch: pytest.MonkeyPatch, catalog: Path, endpoint: str, level: str
):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", endpoint)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "gpt-5")
    code, findings = doctor(catalog, "--out", catalog.parent / "out")
    [one] = [one for one in findings if one["what"].startswith("AZURE_OPENAI_ENDPOINT")]
    assert one["level"] == level
    assert code == (1 if level == "problem" else 0)


@pytest.mark.parametrize("key", ["your-key", "<key>", f"'{KEY}'", f"{KEY} and more"])
def test_a_key_that_cannot_be_one_is_a_problem_and_stays_unseen(
    monkeypatch: pytest.MonkeyPatch, catalog: Path, key: str
):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    code, findings = doctor(catalog)
    assert code == 1
    assert problems(findings)[0].startswith("OPENAI_API_KEY")


def test_people_get_lines_that_end_with_a_count(catalog: Path, tmp_path: Path):
    said = codegen("doctor", catalog, "--out", tmp_path / "out").stdout.splitlines()
    assert said[0].startswith("mcp-codegen ")
    assert {"Installation", "Language models", "Catalogs"} <= set(said)
    assert said[-1] == "0 problems, 1 warning"
