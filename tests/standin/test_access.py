"""Who is let in."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.standin.conftest import DEBT, KEY, LIST, MIGUEL, TOKEN, served

API_KEY = {"type": "apiKey", "name": "X-Key", "env": "SHOP_KEY"}
GOOD = "mock-shop-key"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


BASIC = {"type": "basic", "usernameEnv": "SHOP_USER", "passwordEnv": "SHOP_PASSWORD"}
WAYS = {
    "header": (API_KEY, {"headers": {"x-key": GOOD}}),
    "query": (API_KEY | {"in": "query"}, {"params": {"X-Key": GOOD}}),
    "cookie": (API_KEY | {"in": "cookie"}, {"headers": {"Cookie": f"a=b; X-Key={GOOD}"}}),
    "bearer": ({"type": "bearer", "env": "SHOP_KEY"}, {"headers": {"Authorization": f"bearer {GOOD}"}}),
    "basic": (BASIC, {"headers": basic("mock-shop-user", "mock-shop-password")}),
}
BAD = {
    "header": [{}, {"headers": {"X-Key": GOOD + "x"}}, {"params": {"X-Key": GOOD}}, {"headers": {"X-Key": "ñ"}}],
    "query": [{}, {"params": {"X-Key": "other"}}, {"params": {"X-Key": [GOOD, GOOD]}}, {"headers": {"X-Key": GOOD}}],
    "cookie": [{}, {"headers": {"Cookie": "X-Key=other"}}, {"headers": {"Cookie": "X-Key"}}],
    "bearer": [{}, {"headers": {"Authorization": GOOD}}, {"headers": {"Authorization": f"Basic {GOOD}"}}],
    "basic": [{}, {"headers": basic("mock-shop-user", "x")}, {"headers": {"Authorization": "Basic ====;"}}],
}


@pytest.mark.parametrize("way", WAYS)
def test_the_credential_is_asked_for_in_its_place(catalog_of, way):
    auth, good = WAYS[way]
    with served(catalog_of({"endpoint": "/a", "auth": auth})) as client:
        assert client.get("/a", **good).status_code == 200
        for bad in BAD[way]:
            headers = {name: value.encode() for name, value in bad.get("headers", {}).items()}
            response = client.get("/a", params=bad.get("params"), headers=headers)
            assert response.status_code == 401, bad
            challenge = {"bearer": 'Bearer realm="stand-in"', "basic": 'Basic realm="stand-in"'}.get(way)
            assert response.headers.get("www-authenticate") == challenge


def test_no_credential_is_repeated_by_a_refusal(client):
    response = client.post(LIST, json=MIGUEL, headers={"Ocp-Apim-Subscription-Key": "s3cret-of-mine"})
    assert response.status_code == 401
    assert "s3cret" not in response.text
    assert "mock-apim" not in response.text
    assert "APIM_SUBSCRIPTION_KEY" in response.json()["hint"]


def test_each_api_asks_for_its_own_credential(client):
    assert client.post(LIST, json=MIGUEL, headers=TOKEN).status_code == 401
    assert client.post(DEBT, json={}, headers=KEY).status_code == 401


def test_the_credential_comes_before_the_inputs(client):
    assert client.post(LIST, content=b"{").status_code == 401


@pytest.mark.parametrize("held", ["t0ken-of-the-user", "Bearer t0ken-of-the-user", "  t0ken-of-the-user\n"])
def test_a_credential_that_is_set_takes_the_placeholders_place(telefonica, held):
    with served(telefonica, environ={"BEARER_TOKEN": held, "APIM_SUBSCRIPTION_KEY": " "}) as client:
        assert client.post(DEBT, json={}, headers=TOKEN).status_code == 401
        assert client.post(DEBT, json={}, headers={"Authorization": "Bearer t0ken-of-the-user"}).status_code == 400
        assert client.post(LIST, json=MIGUEL, headers=KEY).status_code == 200


def test_an_open_api_takes_anybody(catalog_of):
    gateways = {"direct": {"baseUrl": "${X}", "auth": {"type": "bearer", "env": "X_TOKEN"}}}
    with served(catalog_of({"endpoint": "/a", "auth": "none"}, {"endpoint": "/b"}, gateways=gateways)) as client:
        assert [client.get(path).status_code for path in ("/a", "/b")] == [200, 401]
