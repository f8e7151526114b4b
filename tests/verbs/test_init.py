"""`mcp-codegen init`: from nothing to a server that answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generated import codegen


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_the_starter_validates_and_generates_without_a_note(kind: str):
    assert codegen("init", "my-shop", "--format", kind).exit_code == 0
    file = f"catalog/my-shop/api_catalog.{kind}"
    assert codegen("validate", file).output == f"{file}: 3 active APIs, no problems\n"
    assert codegen("generate", file).exit_code == 0
    listing = json.loads(Path("out/my-shop/my_shop_mcp/tools.json").read_text("utf-8"))
    assert [tool["name"] for tool in listing["tools"]] == ["list_items", "get_item", "create_item"]
    assert Path("catalog/catalog.schema.json").is_file()


def test_its_tools_answer_against_the_stand_in():
    codegen("init", "shop")
    file = "catalog/shop/api_catalog.yaml"
    codegen("generate", file)
    program = (
        "import asyncio\nfrom shop_mcp.client import call_get_item, call_list_items, call_create_item\n"
        "async def main():\n"
        "    print(await call_get_item(7))\n    print(len(await call_list_items()))\n"
        "    print('id' in await call_create_item('one'))\n"
        "asyncio.run(main())"
    )
    mock = [sys.executable, "-m", "mcp_codegen", "mock", file, "--port", "0", "--json"]
    with subprocess.Popen(mock, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stand_in:  # noqa: S603
        assert stand_in.stdout
        told = json.loads(stand_in.stdout.readline())["environment"]
        path = os.pathsep.join(["out/shop", os.environ.get("PYTHONPATH", "")])
        run = [sys.executable, "-c", program]
        ended = subprocess.run(  # noqa: S603 - ours
            run, env={**os.environ, **told, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        stand_in.terminate()
    assert ended.stdout.splitlines() == [
        "{'id': 7, 'name': 'A first item', 'status': 'open'}",
        "1",
        "True",
    ], ended.stderr


def test_it_is_explained_and_what_comes_next_is_said():
    result = codegen("init", "shop")
    for word in ("validate", "generate", "mock", "add"):
        assert f"mcp-codegen {word} " in result.stdout
    text = Path("catalog/shop/api_catalog.yaml").read_text("utf-8")
    assert text.count("#") > 20
    assert text.startswith("# yaml-language-server: $schema=../catalog.schema.json\n")


def test_nothing_is_overwritten_unasked():
    codegen("init", "shop")
    file = Path("catalog/shop/api_catalog.yaml")
    file.write_text("mine")
    result = codegen("init", "shop")
    assert (result.exit_code, file.read_text()) == (1, "mine")
    assert "exists; --force overwrites it" in result.stderr
    assert codegen("init", "shop", "--format", "json", "--force").exit_code == 1
    assert codegen("init", "shop", "--force").exit_code == 0
    assert file.read_text() != "mine"


@pytest.mark.parametrize("name", ["", "Shop", "../x", "a/b", "1", "a" * 41, "shop\x1b[31m", "a\n"])
def test_what_cannot_be_a_name_is_refused(name: str):
    result = codegen("init", name)
    assert result.exit_code == 1
    assert "cannot be a catalog's name" in result.stderr
    assert "\x1b" not in result.stderr
    assert list(Path().iterdir()) == []
