"""Settings: what is missing or malformed is named, nothing of its value is shown, and nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp import StdioServerParameters

from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import NotConfigured, Unreachable
from tests.runtime.doors import DEBT, INVOICES, KEY, SERVE, TOKEN, settings, surroundings
from tests.runtime.upstream import Upstream

pytestmark = pytest.mark.anyio

CALLS = {"API": ("deuda_fija", DEBT), "APIM": ("listado_de_boletas_fija", INVOICES)}
GATEWAYS = {"API_BASE_URL": "API", "BEARER_TOKEN": "API", "DIRECT_TIMEOUT": "API"}


async def refusal(environ: dict[str, str], variable: str) -> NotConfigured:
    """What a caller is told who calls through the gateway of this variable."""
    tool, arguments = CALLS[GATEWAYS.get(variable, "APIM")]
    async with TelefonicaClient.in_process(environ) as client:
        with pytest.raises(NotConfigured) as raised:
            await client.call(tool, arguments)
    return raised.value


@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "blank"])
@pytest.mark.parametrize("variable", ["API_BASE_URL", "BEARER_TOKEN", "APIM_BASE_URL", "APIM_SUBSCRIPTION_KEY"])
async def test_a_missing_setting_is_named(upstream: Upstream, variable: str, value: str | None):
    environ = {name: text for name, text in settings(upstream.url).items() if name != variable}
    error = await refusal(environ if value is None else environ | {variable: value}, variable)
    assert error.message == f"The setting {variable} is missing."
    assert error.hint == "Set it in the server's environment or in its .env file."
    assert upstream.received == []


async def test_all_missing_settings_are_named_at_once():
    error = await refusal({}, "APIM_BASE_URL")
    assert error.message == "The settings APIM_BASE_URL, APIM_SUBSCRIPTION_KEY are missing."
    assert error.hint == "Set them in the server's environment or in its .env file."


async def test_one_gateway_works_without_the_settings_of_the_other(upstream: Upstream):
    environ = {name: text for name, text in settings(upstream.url).items() if name.startswith("APIM")}
    async with TelefonicaClient.in_process(environ) as client:
        await client.call("listado_de_boletas_fija", INVOICES)
        with pytest.raises(NotConfigured, match="BEARER_TOKEN"):
            await client.call("deuda_fija", DEBT)


MALFORMED = {
    "no scheme": ("APIM_BASE_URL", "hunter2.example.com"),
    "another scheme": ("APIM_BASE_URL", "ftp://hunter2.example.com"),
    "user": ("APIM_BASE_URL", "https://me@hunter2.example.com"),
    "user and password": ("APIM_BASE_URL", "https://me:hunter2@api.example.com"),
    "empty user": ("APIM_BASE_URL", "https://@hunter2.example.com"),
    "no host": ("APIM_BASE_URL", "https:///hunter2"),
    "port of letters": ("APIM_BASE_URL", "https://hunter2:port"),
    "port too high": ("APIM_BASE_URL", "https://hunter2:99999"),
    "query": ("APIM_BASE_URL", "https://api.example.com?key=hunter2"),
    "fragment": ("APIM_BASE_URL", "https://api.example.com#hunter2"),
    "empty query": ("APIM_BASE_URL", "https://hunter2.example.com?"),
    "empty fragment": ("APIM_BASE_URL", "https://hunter2.example.com#"),
    "blank inside": ("APIM_BASE_URL", "https://api.example.com/hunter2 x"),
    "line inside": ("APIM_BASE_URL", "https://api.example.com\nhunter2"),
    "backslash": ("APIM_BASE_URL", "https://api.example.com\\hunter2"),
    "empty label": ("APIM_BASE_URL", "https://hunter2..example.com"),
    "label too long": ("APIM_BASE_URL", f"https://hunter2{'x' * 60}.example.com"),
    "signs in a host": ("APIM_BASE_URL", "https://<hunter2>"),
    "no such IPv4": ("APIM_BASE_URL", "https://256.256.256.256/hunter2"),
    "no such IPv6": ("APIM_BASE_URL", "https://[v1.hunter2]"),
    "brackets left open": ("APIM_BASE_URL", "https://[::1/hunter2"),
    "other letters": ("APIM_BASE_URL", "https://hunter2.teléfono.example"),
    "no number": ("APIM_TIMEOUT", "abc-hunter2"),
    "comma": ("APIM_TIMEOUT", "3,5hunter2"),
    "zero": ("APIM_TIMEOUT", "0"),
    "negative": ("APIM_TIMEOUT", "-1"),
    "not a number": ("APIM_TIMEOUT", "nan"),
    "infinite": ("APIM_TIMEOUT", "inf"),
    "an hour and more": ("APIM_TIMEOUT", "3601"),
    "timeout of the other gateway": ("DIRECT_TIMEOUT", "hunter2"),
    "blank in a key": ("APIM_SUBSCRIPTION_KEY", "hunter2 hunter2"),
    "line in a key": ("APIM_SUBSCRIPTION_KEY", "hunter2\nX-Evil: 1"),
    "return in a key": ("APIM_SUBSCRIPTION_KEY", "hunter2\rX-Evil: 1"),
    "NUL in a key": ("APIM_SUBSCRIPTION_KEY", "hunter2\x00"),
    "letter that no header holds": ("APIM_SUBSCRIPTION_KEY", "hunter2ñ"),
    "line in a token": ("BEARER_TOKEN", "hunter2\nhunter2"),
    "Bearer twice": ("BEARER_TOKEN", "Bearer Bearer hunter2"),
}


@pytest.mark.parametrize(("variable", "value"), MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_setting_is_named_and_not_shown(upstream: Upstream, variable: str, value: str):
    error = await refusal(settings(upstream.url, **{variable: value}), variable)
    assert variable in error.message
    assert "hunter2" not in json.dumps(error.to_dict())
    assert "hunter2" not in repr(error)
    assert upstream.received == []


@pytest.mark.parametrize("text", ["Bearer", "bearer ", "BEARER   "])
async def test_a_word_bearer_without_a_token_is_a_missing_token(upstream: Upstream, text: str):
    error = await refusal(settings(upstream.url, BEARER_TOKEN=text), "BEARER_TOKEN")
    assert error.message == "The setting BEARER_TOKEN is missing."


@pytest.mark.parametrize("text", [TOKEN, f"Bearer {TOKEN}", f"bearer   {TOKEN}", f"  {TOKEN}\n"])
async def test_a_token_may_be_written_with_the_word_bearer(upstream: Upstream, text: str):
    async with TelefonicaClient.in_process(settings(upstream.url, BEARER_TOKEN=text)) as client:
        await client.call("deuda_fija", DEBT)
    assert upstream.received[0].header("authorization") == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize("text", [None, "", "29.5", "30", "3600"])
async def test_a_timeout_is_optional(upstream: Upstream, text: str | None):
    environ = {name: value for name, value in settings(upstream.url).items() if name != "APIM_TIMEOUT"}
    async with TelefonicaClient.in_process(environ if text is None else environ | {"APIM_TIMEOUT": text}) as client:
        await client.call("listado_de_boletas_fija", INVOICES)


def env_file(path: Path, **values: str) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    return path


def started(folder: Path, *arguments: str, **environ: str) -> StdioServerParameters:
    return StdioServerParameters(command=SERVE[0], args=[*SERVE[1:], *arguments], env=surroundings(environ), cwd=folder)


async def test_the_started_server_reads_env_in_its_folder_and_the_environment_wins(upstream: Upstream, tmp_path: Path):
    written = settings(upstream.url, BEARER_TOKEN="from-the-file", APIM_SUBSCRIPTION_KEY="from-the-file-$HOME")
    env_file(tmp_path / ".env", **written)
    async with TelefonicaClient.connect(started(tmp_path, BEARER_TOKEN="from-the-environment")) as client:
        await client.call("deuda_fija", DEBT)
        await client.call("listado_de_boletas_fija", INVOICES)
    assert upstream.received[0].header("authorization") == ["Bearer from-the-environment"]
    assert upstream.received[1].header("ocp-apim-subscription-key") == ["from-the-file-$HOME"]


async def test_another_env_file_takes_the_place_of_the_folders(upstream: Upstream, tmp_path: Path):
    env_file(tmp_path / ".env", APIM_SUBSCRIPTION_KEY="not-this-one", BEARER_TOKEN="not-this-one")
    (tmp_path / "conf").mkdir()
    other = env_file(tmp_path / "conf" / "test.env", APIM_BASE_URL=upstream.url, APIM_SUBSCRIPTION_KEY=KEY)
    async with TelefonicaClient.connect(started(tmp_path, "--env-file", str(other))) as client:
        await client.call("listado_de_boletas_fija", INVOICES)
        with pytest.raises(NotConfigured, match="BEARER_TOKEN"):
            await client.call("deuda_fija", DEBT)
    assert upstream.received[0].header("ocp-apim-subscription-key") == [KEY]


async def test_a_launched_server_gets_the_settings_of_this_process_and_nothing_else(
    upstream: Upstream, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in settings(upstream.url).items():
        monkeypatch.setenv(name, value)
    # Neither Python's own variables nor modules in the current folder reach the child.
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONSTARTUP", str(empty_folder / "httpx.py"))
    (empty_folder / "httpx.py").write_text("raise SystemExit('imported from the current folder')")
    async with TelefonicaClient.launch() as client:
        await client.call("listado_de_boletas_fija", INVOICES)
    assert upstream.received[0].header("ocp-apim-subscription-key") == [KEY]


async def test_a_server_in_this_process_reads_env_as_well(upstream: Upstream, empty_folder: Path):
    (empty_folder / ".env").write_text(
        f"\ufeffAPIM_BASE_URL='{upstream.url}'\n# a comment\nexport APIM_SUBSCRIPTION_KEY=\"{KEY}\"\n", encoding="utf-8"
    )
    async with TelefonicaClient.in_process() as client:
        await client.call("listado_de_boletas_fija", INVOICES)
    assert upstream.received[0].header("ocp-apim-subscription-key") == [KEY]


async def test_an_env_file_that_is_no_text_is_said_so(empty_folder: Path):
    (empty_folder / ".env").write_bytes(b"\xff\xfeA\x00P\x00I\x00")
    with pytest.raises(NotConfigured, match=r"The file \.env cannot be read"):
        async with TelefonicaClient.in_process():
            pass


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "http://me:hunter2@127.0.0.1:{port}"])
async def test_requests_go_through_the_machines_proxy(upstream: Upstream, monkeypatch: pytest.MonkeyPatch, proxy: str):
    monkeypatch.setenv("HTTP_PROXY", proxy.format(port=upstream.url.rpartition(":")[2]))
    environ = settings("http://api.example.com")
    async with TelefonicaClient.in_process(environ) as client:
        await client.call("listado_de_boletas_fija", INVOICES)
        monkeypatch.setenv("NO_PROXY", "*")
    assert upstream.received[0].target.startswith("http://api.example.com/obp/")


@pytest.mark.parametrize(
    "proxy", ["socks5://hunter2.example.com", "http://", "http://hunter2:port", "nonsense hunter2"]
)
async def test_a_proxy_that_is_none_makes_the_api_unreachable(monkeypatch: pytest.MonkeyPatch, caplog, proxy: str):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    async with TelefonicaClient.in_process(settings("http://127.0.0.1:1")) as client:
        with pytest.raises(Unreachable, match="proxy") as raised:
            await client.call("listado_de_boletas_fija", INVOICES)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in caplog.text
