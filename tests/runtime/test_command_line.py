"""The server's command: what it says, what it refuses, what it loads, and how it ends."""

from __future__ import annotations

import hashlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from mcp_types import LATEST_PROTOCOL_VERSION

from telefonica_mcp.runtime.api_keys import holder, read_keys
from telefonica_mcp.runtime.authentication import read_authentication
from telefonica_mcp.runtime.settings import WHO_MAY_CALL
from telefonica_mcp.server import main
from tests.runtime.doors import INVOICES, SERVE, Door, free_port, http_server, run, settings, start
from tests.runtime.leaks import leaks

SCRIPT = Path(sysconfig.get_path("scripts")) / "telefonica-mcp"


def test_help_names_every_setting_and_option(tmp_path: Path):
    said = run([str(SCRIPT), "--help"], tmp_path, {})
    assert (said.returncode, said.stderr) == (0, "")
    for word in (
        "telefonica-mcp",
        "--transport",
        "--port",
        "--env-file",
        "--allowed-host",
        *settings(""),
        *WHO_MAY_CALL,
    ):
        assert word in said.stdout


def test_version_is_the_catalogs(tmp_path: Path):
    assert run([*SERVE, "--version"], tmp_path, {}).stdout == "telefonica-mcp 1.0.0\n"


REFUSED = {
    "no such option": (["--nonsense"], "--nonsense"),
    "no such transport": (["--transport", "carrier-pigeon"], "carrier-pigeon"),
    "port of letters": (["--transport", "http", "--port", "abc"], "a port is a number from 1 to 65535"),
    "port too high": (["--transport", "http", "--port", "65536"], "a port is a number from 1 to 65535"),
    "port zero": (["--transport", "http", "--port", "0"], "a port is a number from 1 to 65535"),
    "workers of letters": (["--transport", "http", "--workers", "many"], "the number of workers is a number from 1 to"),
    "no grace": (["--transport", "http", "--grace", "0"], "a grace is a number from 1 to 3600"),
    "everywhere": (["--transport", "http", "--host", "0.0.0.0"], "--allowed-host"),  # noqa: S104 - it is refused
    "everywhere in IPv6": (["--transport", "http", "--host", "::"], "needs authentication: set MCP_AUTH_ISSUER"),
    "a name": (["--transport", "http", "--host", "example.com"], "MCP_API_KEYS"),
    "everywhere to anybody": (
        ["--transport", "http", "--host", "0.0.0.0", "--allowed-host", "a.example"],  # noqa: S104 - the same
        "needs authentication",
    ),
    "an audit log in no folder": (["--audit-log", "no/such/folder"], "The audit log no/such/folder cannot be written"),
    "a key for no scope": (["key", "bot", "--scopes", "reed"], "not among read, write, destructive"),
    "a key for no name": (["key", "a:b"], "letters, digits and _.@- are"),
    "no such env file": (["--env-file", "nothing.env"], "there is no file nothing.env"),
    "a folder for an env file": (["--env-file", "."], "there is no file ."),
    "an env file that is no text": (["--env-file", "binary.env"], "The file binary.env cannot be read"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_in_words(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: list[str], said: str
):
    (empty_folder / "binary.env").write_bytes(b"APIM_SUBSCRIPTION_KEY=\xff\xfe")
    monkeypatch.setattr(sys, "argv", ["telefonica-mcp", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert said in shown.err
    assert shown.err.startswith("usage: telefonica-mcp")
    assert shown.out == ""


KEYED = "0" * 64
SETTINGS_REFUSED = {
    "an issuer over http": (
        {"MCP_AUTH_ISSUER": "http://login.example.com"},
        "MCP_AUTH_ISSUER does not give an https URL",
    ),
    "an audience alone": ({"MCP_AUTH_AUDIENCE": "api://shop"}, "Set MCP_AUTH_ISSUER for tokens"),
    "keys over http": (
        {"MCP_AUTH_ISSUER": "https://login.example.com", "MCP_AUTH_JWKS_URL": "http://login.example.com/keys"},
        "MCP_AUTH_JWKS_URL does not give an https URL",
    ),
    "a resource over http": (
        {"MCP_AUTH_ISSUER": "https://login.example.com", "MCP_RESOURCE_URL": "http://mcp.example.com/mcp"},
        "MCP_RESOURCE_URL does not give the https URL",
    ),
    "a key in the open": ({"MCP_API_KEYS": "bot:read:hunter2"}, "The hash of bot in MCP_API_KEYS is not 64"),
    "a key of no scope": ({"MCP_API_KEYS": f"bot:admin:{KEYED}"}, "The scopes of bot in MCP_API_KEYS are not among"),
    "two keys of a name": ({"MCP_API_KEYS": f"b:read:{KEYED} b:read:1{KEYED[1:]}"}, "holds the same name twice"),
    "a key of two names": ({"MCP_API_KEYS": f"a:read:{KEYED} b:read:{KEYED}"}, "holds the same key twice"),
    "no file of keys": ({"MCP_API_KEYS_FILE": "nothing"}, "The file of MCP_API_KEYS_FILE cannot be read"),
    "allowed hosts, and callers authenticated, and no public URL": (
        {"MCP_AUTH_ISSUER": "https://login.example.com", "MCP_RESOURCE_URL": ""},
        "MCP_RESOURCE_URL does not give the https URL",
    ),
    "authenticated, to any Host": (
        {"MCP_API_KEYS": f"bot:read:{KEYED}", "HOST": "0.0.0.0"},  # noqa: S104 - it is refused
        "needs the Host headers to accept: --allowed-host",
    ),
}


@pytest.mark.parametrize(("environ", "said"), SETTINGS_REFUSED.values(), ids=SETTINGS_REFUSED)
def test_settings_that_would_let_in_anybody_or_nobody_are_refused(
    empty_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    environ: dict[str, str],
    said: str,
):
    hosts = ["--host", environ["HOST"]] if "HOST" in environ else ["--allowed-host", "mcp.example.com"]
    monkeypatch.setattr(sys, "argv", ["telefonica-mcp", "--transport", "http", *hosts])
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert said in shown.err
    assert "hunter2" not in shown.err


def test_a_key_is_shown_once_and_its_hash_is_kept(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(sys, "argv", ["telefonica-mcp", "key", "night-batch", "--scopes", "read,write"])
    main()
    key, line = (row.strip() for row in capsys.readouterr().out.splitlines() if row.startswith("    "))
    assert line == f"night-batch:read,write:{hashlib.sha256(key.encode()).hexdigest()}"
    assert len(key) == 43
    keys = read_keys([line, "", "# the old one"], "a file")
    held = holder(keys, key)
    assert held is not None
    assert held.scopes == ("read", "write")
    assert holder(keys, key + "x") is None
    main()
    assert key not in capsys.readouterr().out


def test_keys_come_from_the_environment_and_from_a_file(tmp_path: Path):
    (tmp_path / "keys").write_text(f"# of the night\n\nnight:read:1{KEYED[1:]}\n  day:read,write:2{KEYED[1:]}\n")
    environ = {"MCP_API_KEYS": f"bot:destructive:{KEYED}", "MCP_API_KEYS_FILE": str(tmp_path / "keys")}
    found = read_authentication(environ, "http://127.0.0.1:8000/mcp", local=True)
    assert found is not None
    assert [(key.name, key.scopes) for key in found.keys] == [
        ("bot", ("destructive",)),
        ("night", ("read",)),
        ("day", ("read", "write")),
    ]
    assert read_authentication({}, "http://127.0.0.1:8000/mcp", local=True) is None


def test_a_port_in_use_is_said_so(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run([*SERVE, "--transport", "http", "--port", str(port)], tmp_path, {})
    assert result.returncode == 2
    said = f"127.0.0.1, port {port}, cannot be listened on: address already in use. Choose another --port or --host."
    assert said in " ".join(result.stderr.split())
    assert "Listening" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_listing_needs_no_settings_and_loads_neither_tools_nor_an_http_client(tmp_path: Path):
    """Spoken by hand, line by line, as any host does over stdio."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    imported = tmp_path / "imported"
    with imported.open("wb") as stderr:
        command = [SERVE[0], "-X", "importtime", *SERVE[1:]]
        process = start(command, tmp_path, {}, stderr=stderr, pipes=subprocess.PIPE)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        listed = json.loads(process.stdout.readline())["result"]["tools"]
        assert process.communicate(timeout=60)[0] == b""
    assert [tool["name"] for tool in listed] == ["deuda_fija", "listado_de_boletas_fija", "retrieve_invoice_link"]
    assert process.returncode == 0
    modules = {line.rpartition("|")[2].strip() for line in imported.read_text().splitlines()}
    assert "telefonica_mcp.runtime.tooling" in modules
    lazy = {"telefonica_mcp.tools.telefonica", "telefonica_mcp.models", "aiohttp", "httpx"}
    assert not modules & lazy


# --- Over HTTP -------------------------------------------------------------------------------------------------------


def post(port: int, host: str = "127.0.0.1", **headers: str) -> tuple[int, bytes]:
    """Call a tool as a browser could be made to."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "listado_de_boletas_fija", "arguments": INVOICES},
    }
    standard = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", json.dumps(call), standard | headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@pytest.mark.anyio
async def test_only_loopbacks_own_names_are_answered(http: Door, upstream):
    port = int(http.url.rpartition(":")[2].partition("/")[0])
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert post(port, Host=f"{name}:{port}")[0] == 200
        assert post(port, Host=f"{name}:{port}", Origin=f"http://{name}:{port}")[0] == 200
    upstream.received.clear()
    for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
        assert post(port, Host=name)[0] == 421
    for origin in ("http://evil.example", f"https://evil.example:{port}", "null", "http://localhost.evil.example"):
        assert post(port, Host="127.0.0.1", Origin=origin)[0] == 403
    assert upstream.received == []


def test_every_loopback_address_is_guarded(tmp_path: Path, upstream):
    try:
        free_port("127.0.0.2")
    except OSError:
        pytest.skip("this system has no loopback address but 127.0.0.1")
    with http_server(settings(upstream.url), tmp_path, "--host", "127.0.0.2", host="127.0.0.2") as server:
        assert post(server.port, "127.0.0.2")[0] == 200
        assert post(server.port, "127.0.0.2", Host="evil.example")[0] == 421
        assert not leaks(server.said())


def test_hosts_that_are_allowed_are_answered_and_no_others(tmp_path: Path, upstream):
    with http_server(settings(upstream.url), tmp_path, "--allowed-host", "MCP.example.com") as server:
        assert post(server.port, Host="mcp.example.com")[0] == 200
        assert post(server.port, Host="mcp.example.com:8443")[0] == 200
        assert post(server.port, Host="evil.example")[0] == 421
        assert post(server.port, Host="mcp.example.com", Origin="https://evil.example")[0] == 403


# --- Ending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_over_stdio(tmp_path: Path, number: int):
    said = tmp_path / "stderr"
    with said.open("wb") as stderr, start(SERVE, tmp_path, {}, stderr=stderr, pipes=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        meta = {"io.modelcontextprotocol/protocolVersion": LATEST_PROTOCOL_VERSION}
        line = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}}
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.send_signal(number)
        assert process.wait(60) == -number
    assert said.read_bytes() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_over_http(tmp_path: Path, upstream, number: int):
    with http_server(settings(upstream.url), tmp_path) as server:
        assert post(server.port)[0] == 200
        server.process.send_signal(number)
        assert server.process.wait(60) in (-number, 128 + number)
        assert server.said() == ""


def test_a_server_over_stdio_ends_when_its_host_does(tmp_path: Path):
    said = tmp_path / "stderr"
    with said.open("wb") as stderr, start(SERVE, tmp_path, {}, stderr=stderr, pipes=subprocess.PIPE) as process:
        assert process.communicate(timeout=60)[0] == b""  # its stdin is closed
    assert process.returncode == 0
    assert said.read_bytes() == b""
