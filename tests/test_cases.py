"""One small catalog for each rule of the language: its output, byte for byte, and what its listing means.

The golden output stands in `cases/<case>/out/`, without the files that are copied as they are and the manifest; after a
wanted change, `pytest tests/test_cases.py --snapshot-update` writes it anew, to be read as a diff.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent
from pydantic import TypeAdapter, ValidationError

from mcp_codegen.rendering import templates_folder
from tests import meaning
from tests.generated import Built, argument_schema, codegen, returned

CASES = Path(__file__).parent / "cases"


@pytest.fixture(scope="module", params=sorted(folder.name for folder in CASES.iterdir() if folder.is_dir()))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def case(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The package of a case's catalog, freshly generated."""
    (catalog,) = (CASES / name).glob("api_catalog.*")
    out = tmp_path_factory.mktemp("out")
    result = codegen("generate", catalog, "--out", out)
    assert result.exit_code == 0, result.stderr
    (folder,) = out.iterdir()
    with Built(folder).importable() as built:
        yield built


def test_the_output_is_the_golden_one(name: str, case: Built, golden):
    package = templates_folder() / "package"
    copied = [file.relative_to(package) for file in package.rglob("*") if file.is_file() and file.suffix != ".jinja"]
    left_out = {case.folder / ".mcp-codegen.json", *(case.folder / case.module / file for file in copied)}
    files = {
        file.relative_to(case.folder).as_posix(): file.read_text("utf-8")
        for file in case.folder.rglob("*")
        if file.is_file() and file not in left_out and "__pycache__" not in file.parts
    }
    assert not [file for file, text in files.items() if "secret-canary" in text]
    golden.folder(CASES / name / "out", files)


def test_a_tools_listing_takes_and_gives_what_its_signature_says(case: Built):
    for tool, function in case.functions.items():
        listed = case.listing[tool]
        taken = argument_schema(function) | {"additionalProperties": False}
        assert meaning.differences(listed["inputSchema"], taken) == []
        for key, argument in listed["inputSchema"]["properties"].items():
            signed = taken["properties"][key]
            if said := _description(argument, listed["inputSchema"]):
                assert said == _description(signed, taken)
            assert argument.get("default", "none") == signed.get("default", "none")
        if returned(function) in (str, bytes) and "outputSchema" not in listed:
            continue  # an answer that is no JSON
        given = TypeAdapter(returned(function)).json_schema(by_alias=True, mode="validation")
        assert meaning.differences(listed.get("outputSchema", {}), meaning.as_listed(given)) == []


@pytest.mark.anyio
async def test_a_server_takes_what_its_listing_takes(case: Built):
    async with Client(case.load("server").create_server({})) as client:
        for tool, listed in case.listing.items():
            accepts = meaning.validator(listed["inputSchema"])
            for value in meaning.values(listed["inputSchema"], seed=1, count=60):
                if isinstance(value, dict):
                    answer = await client.call_tool(tool, value)
                    code = _error_code(answer)  # an accepted call ends at the settings that are missing
                    assert code in ("not_configured", "invalid_arguments")
                    assert (code == "not_configured") == accepts.is_valid(value), (tool, value, answer.content)


def test_an_answer_that_fits_its_type_fits_the_listing_and_the_other_way_round(case: Built):
    for tool, function in case.functions.items():
        schema = case.listing[tool].get("outputSchema", {})
        if returned(function) in (str, bytes) and not schema:
            continue  # an answer that is no JSON
        is_wrapped = list(schema.get("properties", ())) == ["result"] and schema.get("required") == ["result"]
        inner = schema["properties"]["result"] | {"$defs": schema.get("$defs", {})} if is_wrapped else schema
        fits, adapter = meaning.validator(inner), TypeAdapter(returned(function))
        for value in meaning.values(inner, seed=2, count=60):
            try:
                adapter.validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False)
                accepted = True
            except ValidationError:
                accepted = False
            assert accepted == fits.is_valid(value), (tool, value)


def _description(schema: meaning.Schema, root: meaning.Schema) -> str | None:
    """What is said about a value, where it stands or where its type does."""
    types = [meaning.resolve(one, root) for one in schema.get("anyOf", [schema])]
    said: Iterator[str] = (one["description"] for one in (schema, *types) if "description" in one)
    return next(said, None)


def _error_code(answer: CallToolResult) -> str:
    (text,) = answer.content
    assert isinstance(text, TextContent)
    assert answer.is_error
    return str(json.loads(text.text)["error"]["code"])
