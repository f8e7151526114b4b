"""`mcp-codegen add`: a curl command becomes one more API, and nothing else of the file changes."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.comparing.catalogs import api, catalog, written
from tests.generated import codegen

ORDER = "curl https://api.example.com/v1/orders/17?full=true"
SECRETS = {
    "a bearer token": "-H 'Authorization: Bearer {}'",
    "a basic header": "-H 'Authorization: Basic {}'",
    "a scheme of its own": "-H 'Authorization: {}'",
    "a key": "-H 'X-Api-Key: {}'",
    "a second credential": "-H 'Authorization: Bearer x' -H 'X-Auth-Token: {}'",
    "a user": "-u 'bob:{}'",
    "a cookie": "-b 'theme={}'",
    "a cookie header": "-H 'Cookie: sid={}'",
    "an OAuth token": "--oauth2-bearer {}",
    "a body": """-d '{{"password": "{}"}}'""",
    "deep in a body": """-d '{{"login": {{"secret": "{}"}}}}'""",
    "a list in a body": """-d '[{{"accessToken": "{}"}}]'""",
    "a form": "-d 'client_secret={}'",
    "a part": "-F 'token={}'",
    "a query": "'https://other.example.com/x?sig={}'",
    "a user in the URL": "https://bob:{}@other.example.com/x",
    "a token without a telling name": "-d 'q=eyJhbGciOi.eyJzdWIiOi.{}'",
}


def added(file: Path, command: str, *words: object) -> dict[str, Any]:
    """The API that a command becomes."""
    result = codegen("add", command, "--catalog", file, *words)
    assert result.exit_code == 0, result.stderr
    return dict(load(file)["apis"][-1])


def load(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text("utf-8")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "api_catalog.json", catalog(api(gateway="main")))


def test_a_command_becomes_an_api_through_a_gateway_of_its_own(file: Path):
    one = added(file, f"{ORDER} -H 'Authorization: Bearer abc'")
    assert (one["name"], one["httpMethod"]) == ("get_v1_orders_by_order_id", "GET")
    assert (one["endpoint"], one["gateway"]) == ("/v1/orders/{order_id}", "api-example-com")
    assert [(each["name"], each["in"], each["type"]) for each in one["inputs"]] == [
        ("order_id", "path", "integer"),
        ("full", "query", "boolean"),
    ]
    assert load(file)["gateways"]["api-example-com"] == {
        "baseUrl": "${SHOP_API_EXAMPLE_COM_BASE_URL}",
        "auth": {"type": "bearer", "env": "SHOP_API_EXAMPLE_COM_TOKEN"},
        "x-server": "https://api.example.com",
    }
    assert codegen("validate", file).exit_code == 0


def test_the_next_command_for_the_same_server_goes_the_same_way(file: Path):
    added(file, f"{ORDER} -H 'Authorization: Bearer abc'")
    one = added(file, "curl -X DELETE https://api.example.com/v1/orders/17 -H 'Authorization: Bearer other'")
    assert one["gateway"] == "api-example-com"
    assert "auth" not in one
    assert added(file, "curl https://api.example.com/v1/me -u a:b")["auth"]["type"] == "basic"
    assert len(load(file)["gateways"]) == 2


def test_a_gateway_can_be_named(file: Path):
    data = json.loads(file.read_text())
    data["gateways"]["main"]["baseUrl"] = "${SHOP_URL}/v1"
    one = added(written(file, data), ORDER, "--gateway", "main")
    assert (one["gateway"], one["endpoint"]) == ("main", "/orders/{order_id}")
    assert set(load(file)["gateways"]) == {"main"}
    result = codegen("add", ORDER, "--catalog", file, "--gateway", "mian")
    assert "there is no gateway 'mian'; take one of main" in result.stderr


def test_where_apis_count_on_the_only_gateway_or_there_is_place_for_none_the_url_stands_in_the_api(tmp_path: Path):
    silent = catalog({key: value for key, value in api().items() if key != "gateway"})
    plain = [{"name": "a", "httpMethod": "GET", "endpoint": "/a"}]
    for data in (silent, plain):
        file = written(tmp_path / "shop.json", data)
        assert codegen("add", f"{ORDER} -u a:b", "--catalog", file).exit_code == 0
        now = json.loads(file.read_text())
        one = (now["apis"] if isinstance(now, dict) else now)[-1]
        assert one["endpoint"] == "https://api.example.com/v1/orders/{order_id}"
        assert one["auth"]["type"] == "basic"
        assert codegen("validate", file).exit_code == 0


def test_a_catalog_without_gateways_keeps_the_two_that_it_had(tmp_path: Path):
    file = written(tmp_path / "shop.json", {"apis": [{"name": "a", "httpMethod": "GET", "endpoint": "/a"}]})
    old = written(tmp_path / "old.json", {**json.loads(file.read_text()), "name": "shop"})
    added(file, ORDER)
    changes = json.loads(codegen("diff", old, file, "--json").stdout)["changes"]
    assert {one["code"] for one in changes} == {"tool-added", "variable-added"}


@pytest.mark.parametrize("place", SECRETS)
@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_a_secret_never_reaches_the_file_or_the_terminal(tmp_path: Path, kind: str, place: str):
    secret = "Zs3cr3tCanary"
    file = tmp_path / f"api_catalog.{kind}"
    file.write_text(json.dumps(catalog(api())))
    where = SECRETS[place].format(secret)
    result = codegen(
        "add", f"curl -X POST {'' if '://' in where else 'https://other.example.com/x'} {where}", "--catalog", file
    )
    assert result.exit_code == 0, result.stderr
    assert secret not in result.output
    assert secret not in file.read_text()
    assert codegen("validate", file).exit_code == 0


def test_one_servers_secret_is_not_sent_to_another(file: Path):
    for host in ("a", "b"):
        added(file, f"curl https://{host}.example.com/x -H 'Authorization: Bearer {host}'")
    gateways = load(file)["gateways"].values()
    assert len({gateway["auth"]["env"] for gateway in gateways}) == 3


def test_names_do_not_clash_and_stay_the_same(file: Path, tmp_path: Path):
    first = added(file, "curl https://a.example.com/x")["name"]
    second = added(file, "curl https://b.example.com/x")["name"]
    assert first == "get_x"
    assert second.startswith("get_x_")
    again = written(tmp_path / "again.json", catalog(api(), api(name="get_x")))
    assert added(again, "curl https://b.example.com/x")["name"] == second
    before = file.read_bytes()
    result = codegen("add", "curl https://b.example.com/x", "--catalog", file)
    assert result.exit_code == 1
    assert "stands in the catalog already" in result.stderr
    assert added(file, "curl https://b.example.com/x", "--name", "third")["name"] == "third"
    assert file.read_bytes() != before
    assert "is an API called 'third'" in codegen("add", ORDER, "--catalog", file, "--name", "Third").stderr


def test_several_commands_come_from_standard_input(file: Path):
    from click.testing import CliRunner  # noqa: PLC0415 - this test alone types something in

    from mcp_codegen.cli import main  # noqa: PLC0415

    text = "curl https://a.example.com/x\n\ncurl -X POST https://a.example.com/x \\\n  -d '{\"n\": 1}'\n"
    result = CliRunner().invoke(main, ["add", "-", "--catalog", str(file)], input=text)
    assert result.stdout.splitlines() == [f"{file}: added get_x", f"{file}: added post_x"]
    result = CliRunner().invoke(main, ["add", "-", "--catalog", str(file), "--name", "x"], input=text)
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("wget https://a.example.com", "there is no curl command"),
        ("curl 'https://a.example.com", "a quote of this command is left open"),
        ("curl", "there is no curl command"),
        ("curl -v", "it has no URL"),
        ("curl -X BREW https://a.example.com/pot", "is no HTTP method"),
        ("curl http://[::1", "is no URL"),
    ],
)
def test_what_cannot_be_added_changes_nothing_and_says_why(file: Path, command: str, said: str):
    before = file.read_bytes()
    result = codegen("add", command, "--catalog", file)
    assert result.exit_code == 1
    assert said in result.stderr
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_catalog_with_problems_is_told_and_left(tmp_path: Path):
    file = tmp_path / "api_catalog.json"
    file.write_text('{"apis": [{"name": 1}]}')
    result = codegen("add", ORDER, "--catalog", file)
    assert result.exit_code == 1
    assert f"{file}:1:" in result.stderr
    assert file.read_text() == '{"apis": [{"name": 1}]}'


def test_the_only_catalog_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert "start: mcp-codegen init" in codegen("add", ORDER).stderr
    codegen("init", "shop")
    assert codegen("add", ORDER).stdout == "catalog/shop/api_catalog.yaml: added get_v1_orders_by_order_id\n"
    codegen("init", "store")
    assert "there are 2 catalogs here" in codegen("add", ORDER).stderr


def test_the_mark_of_the_file_its_rights_and_its_link_stay(file: Path, tmp_path: Path):
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    file.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    assert codegen("add", ORDER, "--catalog", link).exit_code == 0
    assert link.is_symlink()
    assert file.read_bytes().startswith(b"\xef\xbb\xbf{")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


YAML = """\
# Ours, by hand.
name: shop
gateways:
  main: {baseUrl: '${SHOP_URL}'}   # from the environment

apis:
  # The first.
  - name: a
    httpMethod: GET
    endpoint: /a
    gateway: main
    description: |
      Two
      lines.

# The end.
x-more: {}
"""


def test_a_yaml_file_keeps_its_comments_its_order_and_its_style(tmp_path: Path, snapshot):
    file = tmp_path / "shop.yaml"
    file.write_text(YAML)
    added(file, f"{ORDER} -H 'Accept-Language: no' -H 'X-Flag: yes' -H 'X-Octal: 0o17'")
    now = file.read_text()
    kept = [line for line in now.splitlines() if line in YAML.splitlines()]
    assert [line for line in YAML.splitlines() if line not in kept] == []
    assert now == snapshot


LAYOUTS = st.sampled_from([None, 1, 2, 4, "\t"])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    indent=LAYOUTS,
    ending=st.sampled_from(["\n", "\r\n"]),
    kind=st.sampled_from(["json", "yaml"]),
    block=st.booleans(),
    texts=st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8), max_size=3),
    behind=st.booleans(),
)
def test_any_layout_stays_byte_for_byte(  # noqa: PLR0917 - hypothesis passes them by name
    tmp_path_factory, indent, ending, kind, block, texts, behind
):
    if kind == "yaml" and isinstance(indent, str):
        indent = 2
    data = catalog(*(api(name=f"a{index}", description=text) for index, text in enumerate(texts)))
    if behind:
        data["x-behind"] = [{}, {"a": []}]
    if kind == "yaml" and block:
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, indent=indent, width=10_000)
    else:
        text = json.dumps(data, indent=indent, ensure_ascii=False)
    before = text.replace("\n", ending).encode()
    file = tmp_path_factory.getbasetemp() / f"layout.{kind}"
    file.write_bytes(before)
    result = codegen("add", ORDER, "--catalog", file, "--gateway", "main")
    assert result.exit_code == 0, result.stderr
    after = file.read_bytes()
    start = next(
        (index for index, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), len(before)
    )
    added_length = len(after) - len(before)
    assert any(after[:at] + after[at + added_length :] == before for at in range(max(0, start - 200), start + 1))
    assert b"\n" not in after.replace(b"\r\n", b"") or ending == "\n"


def test_a_command_for_what_is_there_already_is_told(file: Path):
    one = added(file, ORDER)
    again = codegen("add", ORDER, "--catalog", file)
    assert f"note: '{one['name']}' sends GET '{one['endpoint']}' already; remove one of them" in again.stderr
