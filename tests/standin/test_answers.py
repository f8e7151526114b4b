"""What is answered: the catalog's examples, else what the inputs alone decide."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from mcp_codegen.standin import Behaviour, StandIn
from mcp_codegen.standin.messages import Request
from tests.standin.conftest import DEBT, KEY, LINK, LIST, MIGUEL, ROOT, TELEFONICA, TOKEN, api_field, served

CUSTOMERS = 10_000


def listing(app: StandIn, customer: int) -> dict:
    """What a customer's listing says; without a socket, since there are thousands."""
    body = json.dumps({"customerId": customer, "msisidn": "56987654321"}).encode()
    headers = {name.lower(): value for name, value in KEY.items()} | {"content-type": "application/json"}
    return app.reply(Request("POST", LIST, {}, {}, headers, body)).content


@pytest.fixture(scope="module")
def listings(telefonica) -> list[dict]:
    app = StandIn(telefonica, Behaviour(), {})
    return [listing(app, customer) for customer in range(1, CUSTOMERS + 1)]


# --- examples -------------------------------------------------------------------------------------------


def test_the_customer_of_the_example_gets_the_example(client, telefonica):
    api = next(one.api for one in telefonica.active if one.api.name == "listado_de_boletas_fija")
    assert client.post(LIST, json=MIGUEL, headers=KEY).json() == api.examples[0].output


def test_the_example_with_most_of_the_inputs_is_taken(catalog_of):
    inputs = [api_field(name, "int", required=False) for name in ("a", "b")] + [api_field("c", "int", default=3)]
    examples = [
        {"inputs": {}, "output": {"is": "any"}},
        {"inputs": {"a": 1}, "output": {"is": "one"}},
        {"inputs": {"a": 1, "b": 2}, "output": {"is": "both"}},
        {"inputs": {"a": 9, "c": 3}, "output": {"is": "default"}},
        {"inputs": {"a": 5, "b": 5}},
    ]
    api = {"endpoint": "/a", "inputs": inputs, "outputs": [api_field("is")], "examples": examples}
    with served(catalog_of(api)) as client:
        for query, expected in (
            ("", "any"),
            ("a=1", "one"),
            ("a=1&b=2", "both"),
            ("a=1&b=3", "one"),
            ("a=9", "default"),
        ):
            assert client.get(f"/a?{query}").json() == {"is": expected}
        assert client.get("/a?a=5&b=5").json() == {"is": "any"}


def test_inputs_are_compared_as_json(catalog_of):
    api = {
        "endpoint": "/a",
        "httpMethod": "POST",
        "inputs": [api_field("a", "any"), api_field("b", "any", required=False)],
        "outputs": [api_field("is")],
        "examples": [
            {"inputs": {"a": 1.0}, "output": {"is": "one"}},
            {"inputs": {"a": True}, "output": {"is": "true"}},
            {"inputs": {"a": {"x": [1, None], "y": "1"}}, "output": {"is": "object"}},
            {"inputs": {"a": "null"}, "output": None},
        ],
    }
    with served(catalog_of({**api, "outputs": None, "output": True})) as client:
        assert client.post("/a", json={"a": 1}).json() == {"is": "one"}
        assert client.post("/a", json={"a": True}).json() == {"is": "true"}
        assert client.post("/a", json={"a": {"y": "1", "x": [1.0, None]}}).json() == {"is": "object"}
        assert client.post("/a", json={"a": "null"}).json() is None
        assert "is" not in client.post("/a", json={"a": "1"}).text


# --- made answers ---------------------------------------------------------------------------------------

ASK = """
import json, sys
from pathlib import Path
from mcp_codegen import pipeline
from mcp_codegen.standin import Behaviour, StandIn
from tests.standin.test_answers import listing
app = StandIn(pipeline.load(Path(sys.argv[1])).catalog, Behaviour(seed=int(sys.argv[2])), {})
print(json.dumps([listing(app, customer) for customer in json.loads(sys.argv[3])]))
"""


def asked_in_a_process(customers: list[int], hash_seed: str, seed: int = 0) -> list[dict]:
    command = [sys.executable, "-c", ASK, str(TELEFONICA), str(seed), json.dumps(customers)]
    environ = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603
    return json.loads(done.stdout)


def test_the_same_inputs_get_the_same_answer_in_any_process_and_any_order(listings):
    customers = list(range(1, 60))
    one, other = asked_in_a_process(customers, "1"), asked_in_a_process(customers[::-1], "2")
    assert one == other[::-1] == listings[:59]
    assert [list(answer) for answer in one] == [list(answer) for answer in other[::-1]]


def test_another_seed_gives_other_answers(listings):
    assert asked_in_a_process([1, 2], "0", seed=7) != listings[:2]


def test_ten_thousand_customers_get_ten_thousand_answers(listings):
    people = Counter((one["customerName"], one["customerRut"]) for one in listings)
    assert len(people) == CUSTOMERS
    numbers = [invoice["billingInvoiceNumber"] for one in listings for invoice in one["implInvoiceLists"]]
    assert len(set(numbers)) == len(numbers) > CUSTOMERS


def test_customers_have_open_and_paid_invoices_some_none_open_a_few_none(listings):
    statuses = [{invoice["invoiceStatusInd"] for invoice in one["implInvoiceLists"]} for one in listings]
    share = {kind: sum(test(one) for one in statuses) / CUSTOMERS for kind, test in KINDS.items()}
    assert 0.25 < share["both"] < 0.7
    assert 0.1 < share["only open"] < 0.3
    assert 0.1 < share["only paid"] < 0.3
    assert 0.02 < share["none"] < 0.12
    assert {len(one["implInvoiceLists"]) for one in listings} == {0, 1, 2, 3, 4, 5}


KINDS = {
    "both": lambda one: one == {"O", "P"},
    "only open": lambda one: one == {"O"},
    "only paid": lambda one: one == {"P"},
    "none": lambda one: not one,
}


def test_members_that_may_be_absent_mostly_are_there(listings):
    there = sum("msisidn" in one for one in listings)
    assert there == CUSTOMERS  # it gives an input back
    invoices = [invoice for one in listings for invoice in one["implInvoiceLists"]]
    assert 0.85 < sum("invoiceDueDate" in one for one in invoices) / len(invoices) < 0.95


def test_an_answer_gives_the_inputs_back_that_it_names(client):
    answer = client.post(LIST, json={"customerId": 77, "msisidn": "5691234567"}, headers=KEY).json()
    assert (answer["customerId"], answer["msisidn"]) == (77, "5691234567")


def test_an_input_is_given_back_where_its_type_allows_and_never_in_lists(catalog_of):
    inputs = [api_field("id", "int"), api_field("deep"), api_field("size"), api_field("pin", secret=True)]
    outputs = [
        api_field("id", required=True),  # of another type
        {"name": "data", "required": True, "fields": [api_field("deep"), api_field("id", "int"), api_field("pin")]},
        {"name": "list", "items": {"fields": [api_field("deep", required=True)]}, "required": True, "minItems": 1}
        | {"type": "array"},
        api_field("size", maxLength=3, required=True),
    ]
    query = {"id": 7, "deep": "here", "size": "large", "pin": "1234"}
    with served(catalog_of({"endpoint": "/a", "inputs": inputs, "outputs": outputs})) as client:
        answer = client.get("/a", params=query).json()
        assert answer["data"]["deep"] == "here"
        assert answer["id"] != 7
        assert all(one["deep"] != "here" for one in answer["list"])
        assert len(answer["size"]) <= 3
        assert "1234" not in json.dumps(answer)


def test_texts_look_like_what_they_stand_for(catalog_of):
    looks = {
        "nombreCliente": r"^[A-ZÑ]+ [A-ZÑ]+ [A-ZÑ]+ [A-ZÑ]+$",
        "rut": r"^\d{9}$",
        "downloadUrl": r"^https://www\.example\.com/\w+$",
        "email": r"^[a-z]+\.[a-z]+\d+@example\.com$",
        "msisdn": r"^569\d{8}$",
        "fechaVencimiento": r"^2025-\d\d-\d\d$|^2026-\d\d-\d\d$",
        "plate": r"^[A-Z]{4}-\d\d$",
        "remark": r"^remark \d+$",
    }
    outputs = [api_field(name, required=True) for name in looks]
    outputs[6]["example"] = "XKCD-12"
    with served(catalog_of({"endpoint": "/a", "inputs": [api_field("n", "int")], "outputs": outputs})) as client:
        answers = [client.get("/a", params={"n": n}).json() for n in range(20)]
    for name, look in looks.items():
        assert all(re.match(look, answer[name]) for answer in answers), (name, answers[0][name])
        assert len({answer[name] for answer in answers}) > 10


def test_an_api_that_says_nothing_of_its_answer_answers_an_empty_object(catalog_of):
    with served(catalog_of({"endpoint": "/a", "outputs": None})) as client:
        assert client.get("/a").json() == {}


# --- identifiers ----------------------------------------------------------------------------------------


def link(client, number: str):
    return client.get(LINK, params={"billingInvoiceNumber": number, "isCyclicInvoice": "false"}, headers=KEY)


def link_status(app: StandIn, number: str) -> int:
    """The same without a socket, for thousands."""
    query = {"billingInvoiceNumber": [number], "isCyclicInvoice": ["false"]}
    headers = {name.lower(): value for name, value in KEY.items()}
    return app.reply(Request("GET", LINK, query, query, headers, b"")).status


def test_every_invoice_that_was_listed_has_a_link_also_in_another_process(client, listings):
    numbers = [invoice["billingInvoiceNumber"] for one in listings[:40] for invoice in one["implInvoiceLists"]]
    for number in numbers:
        response = link(client, number)
        assert response.status_code == 200
        assert response.json().get("billingInvoiceNumber", number) == number


def test_an_invoice_that_nobody_listed_is_not_found(client, telefonica):
    response = link(client, "999_99_999999999")
    assert response.status_code == 404
    assert response.json() == {
        "status": 404,
        "error": "Not Found",
        "message": "billingInvoiceNumber '999_99_999999999' is unknown; known are those that listado_de_boletas_fija"
        " answers with, and those of examples",
        "inputs": {"billingInvoiceNumber": "is unknown"},
    }
    app = StandIn(telefonica, Behaviour(), {})
    assert link_status(app, "523_47_682957384") == 200
    assert sum(link_status(app, f"1_2_{number:09}") != 404 for number in range(3000)) <= 3


def test_the_invoices_of_the_examples_are_known(client):
    for last in "234":
        assert link(client, f"523_47_68295738{last}").status_code == 200


def test_any_customer_and_any_rut_is_known(client):
    assert client.post(LIST, json={"customerId": 1, "msisidn": "99999999"}, headers=KEY).status_code == 200
    debt = {"customerIdentification": "1", "type": "x", "document": "y"}
    assert client.post(DEBT, json=debt, headers=TOKEN).json()["customerIdentification"] == "1"


NOT_FOUND = [{"status": 404, "description": "no such thing"}]
ITEM = api_field("id", required=True, format="uuid")
UNKNOWN = "0000aaaa-0000-4000-8000-000000000000"
SHOWN = "1111aaaa-0000-4000-8000-000000000000"


def things(**take) -> tuple[dict, dict]:
    """An API that gives identifiers out, and one that takes them."""
    give = {"endpoint": "/things", "outputs": [api_field("all", "array", items={"fields": [ITEM]}, minItems=1)]}
    give["outputs"][0]["required"] = True
    shown = {"inputs": [api_field("id", format="uuid")], "examples": [{"inputs": {"id": SHOWN}, "output": {}}]}
    return give, {"endpoint": "/things/{id}", "errors": NOT_FOUND} | shown | take


def test_a_uuid_that_was_given_out_is_known_in_either_case(catalog_of):
    with served(catalog_of(*things())) as client:
        given = client.get("/things").json()["all"][0]["id"]
        statuses = [client.get(f"/things/{one}").status_code for one in (given, given.upper(), SHOWN, UNKNOWN)]
        assert statuses == [200, 200, 200, 404]


def test_the_catalogs_own_words_for_not_found_are_used(catalog_of):
    said = {"code": 60, "reason": "no such thing"}
    with served(catalog_of(*things(errors=[{"status": 404, "example": said}]))) as client:
        assert client.get(f"/things/{UNKNOWN}").json() == said


@pytest.mark.parametrize(
    "free",
    [
        {"errors": []},  # it never says that it does not find one
        {"examples": []},  # nor which there are
        {"inputs": [api_field("id", "int")], "examples": [{"inputs": {"id": 1}, "output": {}}]},
        {"inputs": [api_field("id", enum=[UNKNOWN, SHOWN])]},
    ],
)
def test_only_what_may_be_missing_is_checked(catalog_of, free):
    with served(catalog_of(*things(**free))) as client:
        statuses = {client.get(f"/things/{one}").status_code for one in (UNKNOWN, "7")}
        assert 200 in statuses
        assert 404 not in statuses


def test_what_an_api_only_finds_again_is_free(catalog_of):
    person = api_field("rut", pattern=r"^\d{9}$", required=True)
    search = {"endpoint": "/people", "inputs": [person], "errors": NOT_FOUND}
    search["examples"] = [{"inputs": {"rut": "123456780"}, "output": {}}]
    search["outputs"] = [api_field("people", "array", items={"fields": [person]})]
    with served(catalog_of(search)) as client:
        assert client.get("/people", params={"rut": "123456789"}).status_code == 200


def test_a_pattern_that_leaves_no_room_for_a_check_makes_no_identifier(catalog_of):
    shown = [{"inputs": {"id": "B"}, "output": {}}]
    give, take = things(inputs=[api_field("id", pattern="^[A-C]$")], examples=shown)
    give["outputs"][0]["items"]["fields"] = [api_field("id", pattern="^[A-C]$", required=True)]
    with served(catalog_of(give, take)) as client:
        assert client.get("/things/A").status_code == 200
