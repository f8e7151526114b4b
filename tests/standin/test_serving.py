"""`mcp-codegen mock`: starting, telling where, and stopping."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from mcp_codegen.standin import environment
from tests.standin.conftest import KEY, LINK, LIST, MIGUEL, ROOT, TELEFONICA

SECONDS = 60
NO_CREDENTIALS = {"APIM_SUBSCRIPTION_KEY": "", "BEARER_TOKEN": ""}


@contextmanager
def mock(*words: str, catalog=TELEFONICA, **environ: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(catalog), "--port", "0", *words]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    environ = {**os.environ, **NO_CREDENTIALS, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | environ
    with subprocess.Popen(command, env=environ, text=True, **pipes) as process:  # noqa: S603 - our own command
        try:
            yield process
        finally:
            process.kill()


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The first line on standard output that holds the words."""
    found: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda: found.put(next((one for one in process.stdout if words in one), ""))).start()
    return found.get(timeout=SECONDS)


def announced(process: subprocess.Popen[str]) -> dict:
    return json.loads(line_with(process, "{"))


def test_a_parent_is_told_in_json_and_it_ends_with_the_parents_pipe():
    with mock("--json") as process:
        said = announced(process)
        assert said["environment"] == {
            "APIM_BASE_URL": said["url"],
            "APIM_SUBSCRIPTION_KEY": "mock-apim-subscription-key",
            "API_BASE_URL": said["url"],
            "BEARER_TOKEN": "mock-bearer-token",
        }
        assert said["url"].startswith("http://127.0.0.1:")
        assert httpx.post(said["url"] + LIST, json=MIGUEL, headers=KEY).status_code == 200
        process.stdin.close()
        assert process.wait(SECONDS) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_without_a_traceback_also_in_the_middle_of_answers(stop):
    with mock("--latency", "60000") as process:
        url = line_with(process, "listens on").split()[4].rstrip(";")
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            process.send_signal(stop)
            assert process.wait(SECONDS) == 0
        assert "Traceback" not in process.stderr.read()


def test_answers_that_stopping_cancels_print_no_traceback():
    with mock("--latency", "60000") as process:
        url = line_with(process, "listens on").split()[4].rstrip(";")
        port = int(url.rpartition(":")[2])
        with ExitStack() as waiting:
            for _ in range(20):
                connection = waiting.enter_context(socket.create_connection(("127.0.0.1", port)))
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            busy = waiting.enter_context(socket.create_connection(("127.0.0.1", port)))
            busy.sendall(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            assert busy.recv(100).startswith(b"HTTP/1.1 100")  # whoever came before has been let in
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
        assert "Traceback" not in process.stderr.read()


def test_each_request_is_logged_without_its_query_and_its_credential():
    with mock() as process:
        url = line_with(process, "listens on").split()[4].rstrip(";")
        httpx.get(url + LINK, params={"billingInvoiceNumber": "s3cret"}, headers=KEY)
        httpx.post(url + LIST, json=MIGUEL, headers={"Ocp-Apim-Subscription-Key": "s3cret"})
        process.send_signal(signal.SIGTERM)
        logged = process.communicate(timeout=SECONDS)[1]
    assert logged.splitlines() == [f"GET {LINK} 400", f"POST {LIST} 401"]


def test_a_port_that_is_taken_is_told_with_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with mock("--port", str(port)) as process:
            output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert output == ""
    assert errors == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another with --port, or 0 for a free one\n"
    )


def test_it_listens_on_loopback_only():
    with mock("--json") as process:
        port = int(announced(process)["url"].rpartition(":")[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells this machine's own address
            address = probe.getsockname()[0]
        if address != "127.0.0.1":
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, port), timeout=SECONDS)


def test_base_urls_that_no_setting_changes_are_warned_of(tmp_path):
    catalog = tmp_path / "api_catalog.json"
    api = {"name": "far", "httpMethod": "GET", "endpoint": "https://api.example.com/x"}
    catalog.write_text(json.dumps({"name": "shop", "apis": [api]}))
    with mock("--json", catalog=catalog) as process:
        assert announced(process)["environment"] == {}
        assert process.stderr.readline() == (
            "note: a generated server calls the real APIs for 'far': their base URLs are written out in the catalog;"
            " write ${VARIABLE} there to call the stand-in instead\n"
        )


def test_settings_lead_every_kind_of_base_url_to_the_stand_in(catalog_of):
    auth = {"type": "basic", "usernameEnv": "SHOP_USER", "passwordEnv": "SHOP_PASSWORD"}
    gateways = {
        "variable": {"baseUrl": "${ONE}/v1/", "auth": auth},
        "literal": {"baseUrl": "https://api.example.com/v2"},
        "host": {"baseUrl": "http://${HOST}/v3"},
        "versioned": {"baseUrl": "${TWO}/${VERSION}"},
        "unused": {"baseUrl": "${THREE}"},
        "inactive": {"baseUrl": "${FOUR}"},
    }
    apis = [{"endpoint": "/a", "gateway": name, "active": name != "inactive"} for name in gateways if name != "unused"]
    settings = environment(catalog_of(*apis, gateways=gateways), "http://127.0.0.1:9000", {"SHOP_USER": "me"})
    assert settings == {
        "ONE": "http://127.0.0.1:9000",
        "HOST": "127.0.0.1:9000",
        "TWO": "http://127.0.0.1:9000",
        "VERSION": "v1",
        "SHOP_USER": "me",
        "SHOP_PASSWORD": "mock-shop-password",
    }
