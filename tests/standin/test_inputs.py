"""What is taken for an input, and how a request that is wrong is told so."""

from __future__ import annotations

import json

import pytest

from tests.standin.conftest import DEBT, KEY, LINK, LIST, MIGUEL, TOKEN, api_field, served

EVERYTHING = {
    "endpoint": "/x/{path}",
    "inputs": [
        api_field("path", "int"),
        api_field("whole", "int", required=False, minimum=1),
        api_field("part", "number", required=False),
        api_field("flag", "bool", required=False),
        api_field("day", "date", required=False),
        api_field("moment", "datetime", required=False),
        api_field("id", "string", format="uuid", required=False),
        api_field("color", "string", enum=["red", "blue"], required=False),
        api_field("code", "string", pattern="^[A-Z]{2}$", required=False),
        api_field("many", "array", items={"type": "int"}, required=False),
        api_field("X-Trace", "int", **{"in": "header"}, required=False),
        api_field("size", "int", default=10),
    ],
}
EVERYTHING["outputs"] = [
    {key: value for key, value in one.items() if key in ("name", "type", "items")} for one in EVERYTHING["inputs"]
]


def problems(response) -> dict[str, str]:
    assert response.status_code == 400, response.text
    return response.json()["inputs"]


def test_every_missing_and_every_wrong_input_is_named(client):
    response = client.post(LIST, json={"customerId": "45829374", "customer": 1}, headers=KEY)
    assert problems(response) == {
        "customerId": "is not of type integer",
        "msisidn": "is missing from the body",
        "customer": "is no input in the body",
    }
    assert response.json()["message"].startswith("'customerId' is not of type integer; 'msisidn' is missing")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"customerId": 0}, {"customerId": "breaks minimum '1'"}),
        ({"customerId": True}, {"customerId": "is not of type integer"}),
        ({"customerId": None}, {"customerId": "is not of type integer"}),
        ({"customerId": 1.5}, {"customerId": "is not of type integer"}),
        ({"msisidn": "12"}, {"msisidn": r"does not match the pattern '^\d{8,15}$'"}),
        ({"msisidn": 56987654321}, {"msisidn": "is not of type string"}),
    ],
)
def test_types_and_constraints_hold_in_the_body(client, body, problem):
    assert problems(client.post(LIST, json=MIGUEL | body, headers=KEY)) == problem


def test_a_whole_number_may_be_written_with_a_point(client):
    response = client.post(LIST, content=b'{"customerId": 45829374.0, "msisidn": "56987654321"}', headers=KEY | JSON)
    assert response.json()["customerName"] == "LOPEZ TORRES MIGUEL ALEJANDRO"


def test_inputs_in_path_query_and_headers_are_read_into_their_types(catalog_of):
    query = {
        "whole": "-3",
        "part": "1e2",
        "flag": "true",
        "day": "2025-12-01",
        "moment": "2025-12-01T10:00:00Z",
        "id": "0000aaaa-0000-4000-8000-000000000000",
        "color": "red",
        "code": "CL",
        "many": ["1", "2"],
    }
    with served(catalog_of(EVERYTHING)) as client:
        answer = client.get("/x/7", params=query | {"whole": "3"}, headers={"X-Trace": "12"}).json()
        assert answer == {**query, "path": 7, "whole": 3, "part": 100, "flag": True, "many": [1, 2], "X-Trace": 12} | {
            "size": 10
        }
        assert client.get("/x/7", params={"many": "5"}).json()["many"] == [5]
        wrong = {
            "whole": "1.0",
            "part": "1_0",
            "flag": "True",
            "day": "2025-13-01",
            "moment": "yesterday",
            "id": "7",
            "color": "green",
            "code": "CLP",
            "many": ["1", "x"],
            "size": ["1", "2"],
            "other": "1",
        }
        assert problems(client.get("/x/seven", params=wrong, headers={"X-Trace": ""})) == {
            "path": "is not a whole number",
            "whole": "is not a whole number",
            "part": "is not a number",
            "flag": "is neither true nor false",
            "day": "is not of format 'date'",
            "moment": "is not of format 'date-time'",
            "id": "is not of format 'uuid'",
            "color": "is not one of the values allowed",
            "code": "does not match the pattern '^[A-Z]{2}$'",
            "many": "is not a whole number",
            "X-Trace": "is not a whole number",
            "size": "stands 2 times in the query",
            "other": "is no input in the query",
        }


def test_what_is_wrong_inside_a_value_is_found(catalog_of):
    item = {"fields": [api_field("sku"), api_field("count", "int", required=True)]}
    api = {"endpoint": "/orders", "httpMethod": "POST", "inputs": [api_field("items", "array", items=item)]}
    with served(catalog_of(api)) as client:
        assert client.post("/orders", json={"items": [{"count": 1}, {"sku": "a", "count": 2}]}).status_code == 200
        response = client.post("/orders", json={"items": [{"count": 1}, {"sku": 5, "count": 2}]})
        assert problems(response) == {"items": "is not of type string at [1].sku"}
        response = client.post("/orders", json={"items": [{"count": 1, "colour": "red"}]})
        assert problems(response) == {"items": "has a member that is not known at [0]"}


def test_a_value_is_never_repeated_by_a_refusal(client):
    response = client.post(LIST, json=MIGUEL | {"msisidn": "s3cret"}, headers=KEY)
    assert response.status_code == 400
    assert "s3cret" not in response.text


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"{", JSON, 400, "the body is not JSON"),
        (b"\xff", JSON, 400, "the body is not JSON"),
        (b"[1]", JSON, 400, "the body is not a JSON object"),
        (b'{"a": NaN}', JSON, 400, "the body is not JSON"),
        (b'{"a": 1e999}', JSON, 400, "the body is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", JSON, 400, "the body is not JSON"),
        (b"[" * 100_000, JSON, 400, "the body is not JSON"),
        (b'{"a":' * 100_000, JSON, 400, "the body is not JSON"),
        (b"{}", {}, 415, "send the body as application/json"),
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "send the body as application/json"),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415, "send the body as application/json"),
        (b"{}", {"Content-Type": 'Application/JSON; Charset="UTF-8"'}, 400, "'customerId' is missing"),
        (b"", {}, 400, "'customerId' is missing"),
        (b'{"a": "' + b"x" * 1_000_001 + b'"}', JSON, 413, "the body is larger than 1000000 bytes"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_body_that_cannot_be_read_is_refused(client, body, headers, status, message):
    response = client.post(LIST, content=body, headers=KEY | headers)
    assert response.status_code == status
    assert response.json()["message"].startswith(message)
    assert client.post(LIST, json=MIGUEL, headers=KEY).status_code == 200


def test_a_query_that_cannot_be_read_is_refused(client):
    assert client.get(f"{LINK}?a=%ff", headers=KEY).status_code == 400
    assert client.get(LINK + "?" + "&".join(f"a{n}=1" for n in range(2000)), headers=KEY).status_code == 400


def test_an_api_without_inputs_takes_no_others(catalog_of):
    with served(catalog_of({"endpoint": "/a", "httpMethod": "POST"})) as client:
        assert client.post("/a").status_code == client.post("/a", json={}).status_code == 200
        assert problems(client.post("/a", json={"b": 1})) == {"b": "is no input in the body"}


def test_half_a_surrogate_pair_comes_back_as_it_was_sent(client):
    body = json.dumps({"customerIdentification": "\ud800", "type": "RUT", "document": "ñ"}).encode()
    response = client.post(DEBT, content=body, headers=TOKEN | JSON)
    assert json.loads(response.content)["customerIdentification"] == "\ud800"


def test_multiples_are_those_that_are_written(catalog_of):
    amount = api_field("amount", "number", multipleOf=0.001)
    with served(catalog_of({"httpMethod": "POST", "endpoint": "/pay", "inputs": [amount]})) as client:
        statuses = [client.post("/pay", json={"amount": one}).status_code for one in (9.886, 0.07, -3, 1e20, 0.0005)]
        assert statuses == [200, 200, 200, 200, 400]


def test_a_form_may_be_one_of_several(catalog_of):
    kinds = [
        {"type": "object", "required": [name], "properties": {name: {"type": kind}}, "title": name}
        for name, kind in (("key", "string"), ("count", "integer"))
    ]
    body = {"schema": {"oneOf": kinds}}
    with served(catalog_of({"httpMethod": "POST", "endpoint": "/in", "contentType": "form", "body": body})) as client:
        bodies = ({"key": "1"}, {"count": "1"}, {"count": "x"}, {"other": "1"})
        assert [client.post("/in", data=one).status_code for one in bodies] == [200, 200, 400, 400]
