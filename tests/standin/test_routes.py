"""Which requests reach which API."""

from __future__ import annotations

import httpx
import pytest

from tests.standin.conftest import DEBT, KEY, LINK, LIST, MIGUEL, TOKEN, api_field, served


def called(response: httpx.Response) -> str:
    """The API that answered: each of these tests' APIs says its name."""
    return response.json()["is"]


def saying(name: str, endpoint: str, method: str = "GET", **more) -> dict:
    output = [{"name": "is", "type": "string", "enum": [name], "required": True}]
    return {"name": name, "endpoint": endpoint, "httpMethod": method, "outputs": output} | more


def test_every_active_api_of_every_gateway_is_served(client):
    link = {"billingInvoiceNumber": "523_47_682957384", "isCyclicInvoice": "true"}
    debt = {"customerIdentification": "198765432", "type": "RUT", "document": "198765432"}
    assert client.post(LIST, json=MIGUEL, headers=KEY).json()["customerName"] == "LOPEZ TORRES MIGUEL ALEJANDRO"
    assert client.get(LINK, params=link, headers=KEY).json()["invoiceLink"].endswith("/523_47_682957384.pdf")
    assert client.post(DEBT, json=debt, headers=TOKEN).json()["totalDebt"] == 9539


def test_an_unknown_route_is_not_found_by_its_name(client):
    response = client.get("/api/debt")
    assert response.status_code == 404
    assert response.json()["message"] == "no API of the catalog has the route GET '/api/debt'"


@pytest.mark.parametrize("path", ["/", "//", "/api/debt/fixed/", "/api//debt/fixed", "/%ff", "/api/debt%2Ffixed"])
def test_only_the_very_path_is_a_route(client, path):
    assert client.post(path).status_code == 404


def test_another_method_is_told_which_are_allowed(client):
    response = client.delete(LINK, headers=KEY)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.get(DEBT).headers["allow"] == "OPTIONS, POST"


def test_options_tells_the_methods_without_a_credential(client):
    response = client.options(LINK)
    assert (response.status_code, response.headers["allow"], response.content) == (204, "GET, HEAD, OPTIONS", b"")


def test_head_is_get_without_the_body(client):
    params = {"billingInvoiceNumber": "523_47_682957384", "isCyclicInvoice": "true"}
    head, get = (client.request(method, LINK, params=params, headers=KEY) for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


def test_an_inactive_api_says_that_it_is(client):
    response = client.post("/api/payments", json={})
    assert response.status_code == 404
    assert response.json()["message"] == "the API pago_en_linea is inactive in the catalog"


def test_an_active_api_takes_the_route_of_an_inactive_one(catalog_of):
    with served(catalog_of(saying("old", "/a", active=False), saying("new", "/a"))) as client:
        assert called(client.get("/a")) == "new"


def test_the_literal_path_goes_before_the_one_with_placeholders(catalog_of):
    number = [{"name": "id", "type": "string"}]
    apis = (
        saying("by_id", "/users/{id}", inputs=number),
        saying("replace", "/users/{id}", "PUT", inputs=number),
        saying("me", "/users/me"),
        saying("file", "/users/{id}.json", inputs=number),
        saying("below", "/{id}/me/posts", inputs=number),
    )
    with served(catalog_of(*apis)) as client:
        assert called(client.get("/users/7")) == "by_id"
        assert called(client.get("/users/me")) == "me"
        assert called(client.put("/users/me")) == "replace"
        assert called(client.get("/users/7.json")) == "file"
        assert called(client.get("/users/me/posts")) == "below"
        assert client.post("/users/me").headers["allow"] == "GET, HEAD, OPTIONS, PUT"


def test_placeholders_are_filled_by_one_decoded_segment_each(catalog_of):
    inputs = [api_field("a"), api_field("b-c"), api_field("n", "int")]
    outputs = [api_field("a"), api_field("b-c"), api_field("n", "int")]
    api = {"endpoint": "/x y/{a}/{n}:{b-c}".replace(" ", "%20"), "inputs": inputs, "outputs": outputs}
    with served(catalog_of(api)) as client:
        answer = client.get("/x%20y/p%2Fq%20%C3%B1%3F/12:z%2541").json()
        assert answer == {"a": "p/q ñ?", "n": 12, "b-c": "z%41"}
        assert client.get("/x%20y//12:z").status_code == 404


def test_the_path_of_a_base_url_is_part_of_the_route(catalog_of):
    gateways = {
        "variable": {"baseUrl": "${ONE}/v1/"},
        "literal": {"baseUrl": "https://api.example.com/v2"},
        "host": {"baseUrl": "http://${HOST}/v3"},
        "versioned": {"baseUrl": "${TWO}/${VERSION}"},
    }
    apis = [saying(name, f"/{name}", gateway=name) for name in gateways]
    apis.append(saying("absolute", "https://api.example.com/v4/absolute"))
    with served(catalog_of(*apis, gateways=gateways)) as client:
        for path in ("/v1/variable", "/v2/literal", "/v3/host", "/anything/versioned", "/v4/absolute"):
            assert called(client.get(path)) == path.rpartition("/")[2]
        assert client.get("/variable").status_code == 404


def test_of_two_gateways_with_the_same_route_the_credential_chooses(catalog_of):
    gateways = {
        name: {"baseUrl": f"${{{name.upper()}}}", "auth": {"type": "bearer", "env": f"{name.upper()}_TOKEN"}}
        for name in ("left", "right")
    }
    with served(catalog_of(*(saying(n, "/same", gateway=n) for n in gateways), gateways=gateways)) as client:
        for name in gateways:
            assert called(client.get("/same", headers={"Authorization": f"Bearer mock-{name}-token"})) == name
        assert client.get("/same").status_code == 401
