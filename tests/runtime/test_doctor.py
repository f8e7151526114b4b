"""`telefonica-mcp doctor`, as people run it: what it finds, what it advises, and what it never tells."""

from __future__ import annotations

import base64
import email.utils
import json
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.runtime import issuer
from tests.runtime.doors import KEY, SERVE, TOKEN, free_port, run, settings
from tests.runtime.issuer import Issuer
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Peer, Received, Upstream, ok, response

WAF = b"<html><title>Request Rejected</title>The requested URL was rejected. Your support ID is: 17</html>"


@dataclass(frozen=True)
class Told:
    """What the doctor said: by its exit code and by its findings."""

    code: int
    findings: list[dict[str, Any]]

    def find(self, level: str, *words: str) -> dict[str, Any]:
        """The one finding of this level with all of these words in it."""
        [found] = [one for one in self.findings if one["level"] == level and all(word in one["what"] for word in words)]
        assert found["remedy"] or level == "ok", found
        return found

    @property
    def levels(self) -> set[str]:
        return {one["level"] for one in self.findings}


def doctor(folder: Path, environ: dict[str, str], *words: str) -> Told:
    """Run it; whatever it writes holds no secret."""
    ended = run([*SERVE, "doctor", "--json", *words], folder, environ)
    assert not given_away(ended, KEY, TOKEN, *(v for n, v in environ.items() if "TOKEN" in n or "KEY" in n))
    assert ended.stderr == ""
    whole = json.loads(ended.stdout)
    assert whole["problems"] == sum(one["level"] == "problem" for one in whole["findings"])
    return Told(ended.returncode, whole["findings"])


def given_away(ended: subprocess.CompletedProcess[str], *secrets: str) -> list[str]:
    """Each secret that can be read out of what was written, in any form: plain, escaped, percent-encoded, Base64."""
    written = ended.stdout + ended.stderr
    plain = [secret for secret in secrets if len(secret) > 5]
    encoded = [base64.b64encode(secret.encode()).decode().rstrip("=") for secret in plain]
    return leaks(written, *plain, *encoded)


async def well(request: Received, peer: Peer) -> None:
    """Every API answers as it should, and nothing stands at the base URL itself."""
    await (peer.send(response(b"{}", "404 Not Found")) if request.path == "/" else ok(request, peer))


def test_all_is_well_and_only_reading_apis_were_called(tmp_path: Path, upstream: Upstream):
    upstream.answer = well
    told = doctor(tmp_path, settings(upstream.url))
    assert (told.code, told.levels) == (0, {"ok"})
    told.find("ok", "lists 3 tools")
    told.find("ok", "direct: deuda_fija answers")
    told.find("ok", "apim: listado_de_boletas_fija answers")
    bare = [one for one in upstream.received if one.path == "/"]
    assert bare
    assert not any(one.header("Authorization") or one.header("Ocp-Apim-Subscription-Key") for one in bare)
    called = [one.path.rpartition("/")[2] for one in upstream.received if one.path != "/"]
    assert called == ["fixed", "GetListInvoices"]


def test_nothing_set_is_told_setting_by_setting(tmp_path: Path):
    told = doctor(tmp_path, {"BEARER_TOKEN": ""}, "--env-file", "nowhere.env")
    assert told.code == 1
    assert "leave --env-file out" in told.find("problem", "nowhere.env is no file")["remedy"]
    for name in ("API_BASE_URL", "APIM_BASE_URL", "APIM_SUBSCRIPTION_KEY"):
        told.find("problem", f"{name} is not set")
    told.find("problem", "BEARER_TOKEN is empty")
    told.find("ok", "lists 3 tools")


def test_a_refused_credential_and_one_that_may_not_are_told_apart(tmp_path: Path, upstream: Upstream):
    async def refuse(request: Received, peer: Peer) -> None:
        echoed = json.dumps({"you sent": request.headers}).encode()
        status = "401 Unauthorized" if request.path.endswith("fixed") else "403 Forbidden"
        await peer.send(response(echoed, status))

    upstream.answer = refuse
    told = doctor(tmp_path, settings(upstream.url))
    assert told.code == 1
    assert "BEARER_TOKEN" in told.find("problem", "direct", "not accepted (HTTP 401)")["remedy"]
    assert "APIM_SUBSCRIPTION_KEY" in told.find("problem", "apim", "may not do this (HTTP 403)")["remedy"]


def test_a_firewall_and_a_wrong_clock_are_recognised(tmp_path: Path, upstream: Upstream):
    async def reject(request: Received, peer: Peer) -> None:
        if request.path == "/":
            late = email.utils.formatdate(time.time() + 1190, usegmt=True)
            await peer.send(response(b"{}", "404 Not Found", f"Date: {late}"))
        else:
            await peer.send(response(WAF, "200 OK", kind="text/html"))

    upstream.answer = reject
    told = doctor(tmp_path, settings(upstream.url))
    assert "NTP" in told.find("problem", "clock is 19 minutes behind")["remedy"]
    assert "network that the API allows" in told.find("problem", "apim", "web application firewall")["remedy"]
    told.find("problem", "direct", "web application firewall")


def test_what_is_not_the_api_and_what_has_changed(tmp_path: Path, upstream: Upstream):
    async def other(request: Received, peer: Peer) -> None:
        if request.path.endswith("fixed"):
            await peer.send(response(b"<html>Sign in</html>", kind="text/html"))
        else:
            await peer.send(response(b'{"customerId": "another type"}'))

    upstream.answer = other
    told = doctor(tmp_path, settings(upstream.url))
    told.find("problem", "direct", "a portal, a login page, or a proxy")
    told.find("warning", "apim", "not what the catalog says")


def test_an_env_file_that_others_may_read_and_that_the_environment_overrules(tmp_path: Path, upstream: Upstream):
    file = tmp_path / ".env"
    file.write_text("\n".join(f"{name}={value!r}" for name, value in settings(upstream.url).items()), "utf-8")
    file.chmod(0o644)
    upstream.answer = well
    told = doctor(tmp_path, {"APIM_BASE_URL": f"{upstream.url}/"})
    assert told.code == 0
    assert told.find("warning", "others on this machine may read it (0644)")["remedy"] == "chmod 600 .env"
    told.find("warning", "differs from the environment in APIM_BASE_URL")
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    upstream.received.clear()
    assert doctor(tmp_path, {}, "--no-calls").levels == {"ok"}
    assert {one.path for one in upstream.received} == {"/"}  # nothing that a credential goes with


@pytest.fixture
def issuing() -> Iterator[Issuer]:
    with issuer.running() as one:
        yield one


def callers(found: Issuer, **changed: str) -> dict[str, str]:
    return {"MCP_AUTH_ISSUER": found.url, "MCP_AUTH_AUDIENCE": "api://shop", **changed}


def test_an_issuer_of_callers_tokens_is_asked_for_its_keys(tmp_path: Path, issuing: Issuer):
    told = doctor(tmp_path, callers(issuing), "--no-calls")
    told.find("ok", "issuer of callers' tokens answers", "3 of its keys")
    assert issuing.asked == ["/.well-known/openid-configuration", "/keys"]


ISSUERS: Mapping[str, tuple[Mapping[str, str], Mapping[str, object], str]] = {
    "another address": ({"MCP_AUTH_JWKS_URL": "{url}/no-keys?token=s3cret-0123"}, {}, "HTTP 404"),
    "nobody there": ({"MCP_AUTH_JWKS_URL": f"http://127.0.0.1:{free_port()}/"}, {}, "refuses the connection"),
    "another name": ({}, {"/.well-known/openid-configuration": {"issuer": "x", "jwks_uri": "x"}}, "another name"),
    "no metadata": ({}, {"/.well-known/openid-configuration": ["hello"]}, "HTTP 404"),
    "no keys": ({}, {"/keys": {"keys": []}}, "something else than was asked for"),
    "a shared secret": ({}, {"/keys": {"keys": [{"kty": "oct", "k": "czNjcmV0"}]}}, "no key that tokens can be"),
}


@pytest.mark.parametrize(("changed", "answers", "said"), ISSUERS.values(), ids=ISSUERS)
def test_an_issuer_that_cannot_be_asked_for_its_keys_is_a_problem_with_its_remedy(
    tmp_path: Path, issuing: Issuer, changed: Mapping[str, str], answers: Mapping[str, object], said: str
):
    usual = issuing.answer
    issuing.answer = lambda path: answers.get(path) or usual(path)  # type: ignore[method-assign]
    urls = {name: value.format(url=issuing.url) for name, value in changed.items()}
    told = doctor(tmp_path, callers(issuing, **urls), "--no-calls")
    assert "s3cret" not in str(told.find("problem", "issuer of callers' tokens", said))


def test_people_get_lines_with_remedies_on_any_terminal(tmp_path: Path, upstream: Upstream):
    upstream.answer = well
    proxy = {"NO_PROXY": "127.0.0.1", "HTTPS_PROXY": "http://user:pr0xy-pass@127.0.0.1:1"}
    environ = settings(upstream.url, APIM_BASE_URL="apis.acme.cl", PYTHONIOENCODING="ascii", **proxy)
    ended = run([*SERVE, "doctor", "--no-calls"], tmp_path, environ)
    assert ended.returncode == 1
    assert not given_away(ended, KEY, TOKEN, "pr0xy-pass")
    lines = ended.stdout.splitlines()
    assert lines[0] == "telefonica-mcp 1.0.0"
    at = lines.index("  X  APIM_BASE_URL has no scheme.")
    assert lines[at + 1] == "       Begin it with https://, like https://api.example.com."
    assert "  ok Requests to https URLs go through the proxy 127.0.0.1; NO_PROXY names exceptions." in lines
    assert lines[-1] == "1 problem, 0 warnings"


def test_wrong_usage_is_told_in_one_line(tmp_path: Path):
    ended = run([*SERVE, "doctor", "--cure"], tmp_path, {})
    assert ended.returncode == 2
    assert "--cure" in ended.stderr
