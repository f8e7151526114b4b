from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from mcp_codegen import pipeline
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.standin import Behaviour, StandIn

ROOT = Path(__file__).parents[2]
TELEFONICA = ROOT / "catalog" / "telefonica" / "api_catalog.json"

LIST = "/obp/pdd/ods/mobile/v1/api/clients/GetListInvoices"
LINK = "/obp/pdd/ods/mobile/v1/api/clients/RetrieveInvoiceLink"
DEBT = "/api/debt/fixed"
KEY = {"Ocp-Apim-Subscription-Key": "mock-apim-subscription-key"}
TOKEN = {"Authorization": "Bearer mock-bearer-token"}
MIGUEL = {"customerId": 45829374, "msisidn": "56987654321"}


@contextmanager
def served(
    catalog: CheckedCatalog, behaviour: Behaviour | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[httpx.Client]:
    """A client of a real server on loopback."""
    app = StandIn(catalog, behaviour or Behaviour(), environ or {})
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.005)  # until the condition holds
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    server.should_exit = True
    thread.join(timeout=60)


@pytest.fixture(scope="module")
def telefonica() -> CheckedCatalog:
    return pipeline.load(TELEFONICA).catalog


@pytest.fixture(scope="module")
def client(telefonica: CheckedCatalog) -> Iterator[httpx.Client]:
    """Of the flagship catalog's stand-in."""
    with served(telefonica) as client:
        yield client


@pytest.fixture
def catalog_of(tmp_path: Path) -> Any:
    """A checked catalog of these APIs, on one open gateway unless others are given."""

    def load(*apis: dict[str, Any], **more: Any) -> CheckedCatalog:
        file = tmp_path / "api_catalog.json"
        gateways = {"direct": {"baseUrl": "${API_BASE_URL}"}}
        whole = {"name": "shop", "gateways": gateways, **more, "apis": [named(api, n) for n, api in enumerate(apis)]}
        file.write_text(json.dumps(whole))
        return pipeline.load(file).catalog

    return load


def named(api: dict[str, Any], number: int) -> dict[str, Any]:
    return {"name": f"api_{number}", "httpMethod": "GET", "outputs": []} | api


def api_field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}
