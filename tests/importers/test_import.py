"""`mcp-codegen import` at its door: what it takes, what it says, what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.importers.importing import SPECS, api, imported, run, written


def described(**schemas: Any) -> dict[str, Any]:
    good = {"description": "Good", "content": {"application/json": {"schema": schemas.get("A", {})}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "paths": {
            "/a": {"get": {"operationId": "getA", "tags": ["first"], "responses": {"200": good}}},
            "/b/c": {"get": {"operationId": "getC", "tags": ["second"], "responses": {"204": {"description": "Done"}}}},
        },
    }


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--select", "tag:first"], ["getA"]),
        (["--select", "path:/b/*"], ["getC"]),
        (["--select", "name:get*", "--exclude", "name:getA"], ["getC"]),
        (["--exclude", "tag:s*"], ["getA"]),
        ([], ["getA", "getC"]),
    ],
)
def test_patterns_choose_operations(tmp_path: Path, options: list[str], names: list[str]):
    catalog = imported(written(tmp_path / "spec.json", described()), tmp_path / "out.json", *options)
    assert [one["name"] for one in catalog["apis"]] == names


def test_a_summary_is_always_told_and_counts_every_operation(tmp_path: Path):
    result = run(SPECS / "names.yaml", "--out", tmp_path / "out.json", "--exclude", "path:/a*")
    assert result.stderr.startswith(
        "9 operations: 6 imported, 1 left out (TRACE asks for an echo, and is no API), 2 not"
    )


def test_the_report_is_json_where_its_file_says_so(tmp_path: Path):
    run(SPECS / "names.yaml", "--out", tmp_path / "out.json", "--report", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["operations"], report["imported"], report["leftOut"]) == (9, 8, 1)
    assert report["entries"][4]["reason"] == "TRACE asks for an echo, and is no API"


def test_a_description_of_tm_forum_is_recognised_and_the_preset_named(tmp_path: Path):
    paging = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("fields", "offset", "limit")]
    data = described()
    data["paths"]["/a"]["get"]["parameters"] = paging
    data["paths"]["/hub"] = {"post": {"responses": {"201": {"description": "Registered"}}}}
    hint = "hint: this looks like an API of TM Forum: --preset tmf630 adds the filters"
    assert hint in run(written(tmp_path / "spec.json", data), "--out", tmp_path / "plain.json").stderr
    preset = run(tmp_path / "spec.json", "--out", tmp_path / "preset.json", "--preset", "tmf630")
    other = run(written(tmp_path / "other.json", described()), "--out", tmp_path / "other_out.json")
    assert "hint" not in preset.stderr + other.stderr


def test_new_apis_that_are_inactive_are_told_with_what_makes_them_active(tmp_path: Path):
    result = run(written(tmp_path / "spec.json", described()), "--out", tmp_path / "out.json", "--new", "inactive")
    assert 'hint: the new APIs are inactive: write "active": true for those that you want' in result.stderr


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"hello": 1}, "spec.json:1:1: $: this is no OpenAPI description"),
        ({"openapi": "4.0.0", "paths": {}}, "spec.json:1:13: openapi: version '4.0.0' cannot be read"),
        ({"openapi": "3.0.0"}, "spec.json:1:1: paths: there are no paths"),
        ([], "this is no OpenAPI description"),
        (
            {"info": {"name": "x", "schema": "https://schema.getpostman.com/json/collection/v1.0.0/"}, "item": []},
            "v1.0.0",
        ),
    ],
)
def test_what_is_no_description_is_refused_with_its_place(tmp_path: Path, data: object, said: str):
    result = run(written(tmp_path / "spec.json", data), "--out", tmp_path / "out.json")
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("pattern", ["first", "colour:red", "tag:"])
def test_a_pattern_that_is_none_is_refused(tmp_path: Path, pattern: str):
    result = run(SPECS / "names.yaml", "--out", tmp_path / "out.json", "--select", pattern)
    assert (result.exit_code, "is no pattern" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("https://example.com/x.yaml#/A", "is remote; read it with --allow-remote"),
        ("http://example.com/x.yaml#/A", "is remote; read it with --allow-remote"),
        ("file:///etc/hostname", "is no http or https URL"),
        ("/etc/hostname", "is an absolute path"),
        ("../outside.json#/A", "stands outside of"),
        ("inner/../../outside.json#/A", "stands outside of"),
        ("%2e%2e/outside.json#/A", "stands outside of"),
        ("link.json#/A", "stands outside of"),
        ("pipe", "is no file"),
    ],
)
def test_documents_out_of_bounds_are_never_read_and_told_with_the_references_place(
    tmp_path: Path, reference: str, said: str
):
    written(tmp_path / "outside.json", {"A": {"type": "string"}})
    spec = written(tmp_path / "in" / "spec.json", described(A={"$ref": reference}))
    (spec.parent / "link.json").symlink_to(tmp_path / "outside.json")
    os.mkfifo(spec.parent / "pipe")
    result = run(spec, "--out", tmp_path / "out.json")
    assert result.exit_code == 0
    assert result.stderr.startswith(f"{spec}:1:")
    assert said in result.stderr
    catalog = json.loads((tmp_path / "out.json").read_text())
    assert [one["name"] for one in catalog["apis"]] == ["getA", "getC"]
    assert ("output" in api(catalog, "getA"), catalog["schemas"]) == (False, {})


def test_a_parameter_out_of_bounds_costs_its_operation_alone(tmp_path: Path):
    spec = described()
    spec["paths"]["/a"]["get"]["parameters"] = [{"$ref": "https://example.com/p.yaml#/P"}]
    report = tmp_path / "report.json"
    result = run(written(tmp_path / "spec.json", spec), "--out", tmp_path / "out.json", "--report", report)
    assert "1 imported, 1 left out (a parameter is missing: 'https://example.com/p.yaml' is remote" in result.stderr
    assert "--allow-remote" in json.loads(report.read_text())["entries"][0]["reason"]


def test_a_folder_around_both_makes_a_reference_upwards_possible(tmp_path: Path):
    written(tmp_path / "outside.json", {"A": {"type": "object", "properties": {"x": {"type": "string"}}}})
    spec = written(tmp_path / "in" / "spec.json", described(A={"$ref": "../outside.json#/A"}))
    catalog = imported(spec, tmp_path / "out.json", "--root", tmp_path)
    assert catalog["schemas"]["A"]["properties"] == {"x": {"type": "string"}}


TEXT = json.dumps(described() | {"info": {"title": "Año", "version": "1"}}, ensure_ascii=False, indent=1)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("latin-1"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace(" ", "\t").replace('\t"', ' "').encode(),
        TEXT.replace("}\n}", "},\n} # the end").encode(),
        TEXT.replace('"version"', '"version": NaN, "version": "0", "version"').encode(),
        TEXT.replace("Año", "A\\ud800ño").encode(),
    ],
    ids=["UTF-8", "mark", "UTF-16", "big-endian", "UTF-32", "Latin-1", "CRLF", "tabs", "comma", "twice", "half"],
)
@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_description_is_read_however_it_was_saved(tmp_path: Path, content: bytes, ending: str):
    spec = tmp_path / f"spec.{ending}"
    spec.write_bytes(content)
    catalog = imported(spec, tmp_path / "out.json")
    assert [one["name"] for one in catalog["apis"]] == ["getA", "getC"]
    assert catalog["title"] in ("Año", "A?ño")


def test_a_deep_chain_of_references_is_no_trouble(tmp_path: Path):
    schemas = {
        f"S{i}": {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/S{i + 1}"}}}
        for i in range(3_000)
    }
    schemas["S3000"] = {"type": "string"}
    spec = described(A={"$ref": "#/components/schemas/S0"}) | {"components": {"schemas": schemas}}
    catalog = imported(written(tmp_path / "spec.json", spec), tmp_path / "out.json")
    assert len(catalog["schemas"]) == 3_001


def test_a_reference_that_leads_back_to_itself_leaves_the_operation_out(tmp_path: Path):
    spec = described()
    spec["paths"]["/a"]["get"]["parameters"] = [{"$ref": "#/components/parameters/P"}]
    spec["components"] = {"parameters": {"P": {"$ref": "#/components/parameters/P"}}}
    result = run(written(tmp_path / "spec.json", spec), "--out", tmp_path / "out.json")
    assert "1 left out (a parameter is missing: the reference leads back to itself)" in result.stderr


@pytest.mark.parametrize(
    ("gateways", "said"),
    [
        ({}, "there are no gateways"),
        ({"gateways": {"a": {"baseUrl": "${A}"}, "b": {"baseUrl": "${B}"}}}, "there are several gateways"),
        ({"gateways": {"a": {"baseUrl": "${A}"}}, "gateway": "c"}, "there is no gateway 'c'"),
        (
            {"gateways": {"a": {"baseUrl": "${A}", "auth": {"type": "bearer", "env": "s3cret"}}}},
            "not the name of an env",
        ),
    ],
)
def test_a_gateway_file_with_a_mistake_is_refused(tmp_path: Path, gateways: object, said: str):
    file = written(tmp_path / "gateways.json", gateways)
    result = run(SPECS / "names.yaml", "--out", tmp_path / "out.json", "--gateway", file)
    assert (result.exit_code, said in result.stderr, "s3cret" in result.stderr) == (1, True, False)


@pytest.mark.parametrize("options", [["--name", "Bad Name"], ["--name", "BAD"], ["--name", "x" * 41]])
def test_a_name_that_no_catalog_can_have_is_refused(tmp_path: Path, options: list[str]):
    result = run(SPECS / "names.yaml", "--out", tmp_path / "out.json", *options)
    assert (result.exit_code, "cannot be a catalog's name" in result.stderr) == (1, True)


def test_only_json_is_written(tmp_path: Path):
    assert run(SPECS / "names.yaml", "--out", tmp_path / "out.yaml").exit_code == 1
    assert not (tmp_path / "out.yaml").exists()


def test_a_catalog_that_is_none_is_never_overwritten(tmp_path: Path):
    out = written(tmp_path / "out.json", {"precious": True})
    result = run(SPECS / "names.yaml", "--out", out)
    assert (result.exit_code, json.loads(out.read_text())) == (1, {"precious": True})


def test_curl_commands_come_from_standard_input_too(tmp_path: Path):
    result = run("-", "--out", tmp_path / "out.json", text="curl https://api.example.com/v1/things?limit=5\n")
    assert result.exit_code == 0, result.stderr
    (one,) = json.loads((tmp_path / "out.json").read_text())["apis"]
    assert (one["name"], one["endpoint"]) == ("get_v1_things", "/v1/things")


def test_a_command_with_an_open_quote_is_refused_with_its_line(tmp_path: Path):
    result = run("-", "--out", tmp_path / "out.json", text="curl https://a.example.com\ncurl 'https://b.example.com\n")
    assert (result.exit_code, "standard input:2:1" in result.stderr) == (1, True)


def test_hostile_text_does_nothing_to_a_terminal(tmp_path: Path):
    spec = described()
    spec["paths"]["/\x1b[31mred\u202e"] = {"trace": {}}
    result = run(written(tmp_path / "spec.json", spec), "--out", tmp_path / "out.json", "--report", "-")
    assert "\x1b" not in result.stdout + result.stderr
    assert "\u202e" not in result.stdout + result.stderr


def test_patterns_that_leave_nothing_write_nothing(tmp_path: Path):
    result = run(written(tmp_path / "spec.json", described()), "--out", tmp_path / "out.json", "--select", "tag:frist")
    assert (result.exit_code, "none of 2 operations is selected" in result.stderr) == (1, True)
    assert not (tmp_path / "out.json").exists()


def test_a_pattern_that_fits_nothing_is_told(tmp_path: Path):
    spec = written(tmp_path / "spec.json", described())
    result = run(spec, "--out", tmp_path / "out.json", "--exclude", "tag:thrid", "--report", "-")
    assert "no operation fits the pattern 'tag:thrid'" in result.stdout


def test_a_gateway_that_no_catalog_may_have_is_refused_in_its_file(tmp_path: Path):
    gateway = written(tmp_path / "gateway.json", {"gateways": {"main": {"baseUrl": "ftp://files.example"}}})
    spec = written(tmp_path / "spec.json", described())
    result = run(spec, "--out", tmp_path / "out.json", "--gateway", gateway)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{gateway}:1:35: gateways.main.baseUrl: this is not an http(s) URL")
    assert not (tmp_path / "out.json").exists()


def test_a_url_in_place_of_a_file_is_told_what_to_do(tmp_path: Path):
    result = run("https://api.example.com/openapi.json", "--out", tmp_path / "out.json")
    assert (result.exit_code, "save the description first" in result.stderr) == (1, True)


def test_the_description_in_a_folder_is_found_wherever_its_version_stands(tmp_path: Path):
    folder = tmp_path / "specs"
    spec = {"components": {"schemas": {"A": {"description": "x" * 9_000}}}, **described()}
    written(folder / "shop.json", dict(sorted(spec.items())))
    written(folder / "parts.json", {"description": "a part of the openapi or swagger file"})
    assert [one["name"] for one in imported(folder, tmp_path / "out.json")["apis"]] == ["getA", "getC"]
