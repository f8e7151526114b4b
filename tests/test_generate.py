"""Generation as users run it: the same bytes from the same catalog, and every difference told."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generated import codegen

ROOT = Path(__file__).parents[1]
FLAGSHIP = ROOT / "catalog" / "telefonica" / "api_catalog.json"
CASES = ROOT / "tests" / "cases"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, byte for byte."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def written(data: Any, file: Path) -> Path:
    file.write_text(json.dumps(data, ensure_ascii=False) if file.suffix == ".json" else yaml.safe_dump(data), "utf-8")
    return file


def generated(catalog: Path, out: Path, *words: str) -> dict[str, bytes]:
    result = codegen("generate", catalog, "--out", out, *words)
    assert result.exit_code == 0, result.stderr
    return contents(out)


def shuffled(data: Any, draw: random.Random) -> Any:
    if isinstance(data, dict):
        return {key: shuffled(data[key], draw) for key in draw.sample(sorted(data), len(data))}
    return [shuffled(one, draw) for one in data] if isinstance(data, list) else data


@pytest.fixture
def flagship() -> dict[str, Any]:
    return dict(json.loads(FLAGSHIP.read_text("utf-8")))


# --- the same bytes ---------------------------------------------------------------------------------------------------


def test_the_committed_output_is_what_is_generated(tmp_path: Path):
    fresh = generated(FLAGSHIP, tmp_path)
    committed = contents(ROOT / "out" / "telefonica")
    assert {f"telefonica/{name}": content for name, content in committed.items()} == fresh


def test_two_hash_seeds_and_two_folders_give_the_same_bytes(tmp_path: Path):
    catalogs = [FLAGSHIP, CASES / "names" / "api_catalog.json", CASES / "references" / "api_catalog.json"]
    found = []
    for seed, folder in (("0", tmp_path / "a"), ("1", tmp_path / "somewhere else" / "b")):
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "mcp_codegen", "generate", *map(str, catalogs)]
        surroundings = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "LC_ALL": "C" if seed == "1" else "C.UTF-8",
            "TZ": f"UTC{seed}",
        }
        subprocess.run(command, cwd=folder, env=surroundings, check=True, capture_output=True)  # noqa: S603
        found.append(contents(folder / "out"))
    assert len(found[0]) > 90
    assert found[0] == found[1]


def test_the_order_of_keys_and_the_format_of_the_file_make_no_difference(flagship: dict[str, Any], tmp_path: Path):
    expected = generated(written(flagship, tmp_path / "a.json"), tmp_path / "as-it-is")
    mixed = shuffled(flagship, random.Random(7))  # noqa: S311 - an order
    assert generated(written(mixed, tmp_path / "b.json"), tmp_path / "mixed") == expected
    assert generated(written(flagship, tmp_path / "c.yaml"), tmp_path / "yaml") == expected


def test_a_second_run_changes_nothing(tmp_path: Path):
    generated(FLAGSHIP, tmp_path)
    times = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    assert "nothing changed" in codegen("generate", FLAGSHIP, "--out", tmp_path).stdout
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == times


# --- drift ------------------------------------------------------------------------------------------------------------


def test_a_check_of_fresh_output_passes_in_silence_and_writes_nothing(tmp_path: Path):
    before = generated(FLAGSHIP, tmp_path)
    result = codegen("generate", FLAGSHIP, "--out", tmp_path, "--check")
    assert (result.exit_code, result.output) == (0, "")
    assert contents(tmp_path) == before


def test_a_check_after_one_description_changed_shows_just_that(flagship: dict[str, Any], tmp_path: Path):
    before = generated(FLAGSHIP, tmp_path / "out")
    old, new = flagship["apis"][0]["description"], "Una descripción nueva"
    flagship["apis"][0]["description"] = new
    result = codegen("generate", written(flagship, tmp_path / "a.json"), "--out", tmp_path / "out", "--check")
    assert result.exit_code == 1
    assert result.stderr == (
        "Generated files differ from the catalog: run `mcp-codegen generate` and review the change.\n"
    )
    assert contents(tmp_path / "out") == before

    files = result.stdout.split("\n--- ")
    changed = {diff.partition("\n")[0].removeprefix("--- "): diff.splitlines()[1:] for diff in files}
    lines = {
        (name, line)
        for name, diff in changed.items()
        for line in diff
        if line[:1] in "+-" and not line.startswith(("---", "+++"))
    }
    hashes = {line for name, line in lines if name.endswith("metadata.json") and '"hash": "sha256:' in line}
    tokens = {line for name, line in lines if name.endswith("metadata.json") and '"tokens": ' in line}
    rest = {line for _, line in lines} - hashes - tokens
    assert len(hashes) == 2
    assert len(tokens) == 4
    assert {line for line in rest if old not in line and new not in line} == set()
    assert {Path(name).name for name, _ in lines} == {
        "README.md", "client.py", "tools.json", "telefonica.py", "telefonica_mcp_metadata.json"
    }  # fmt: skip


def test_a_check_where_nothing_was_generated_shows_every_file(tmp_path: Path):
    result = codegen("generate", FLAGSHIP, "--out", tmp_path / "out", "--check")
    assert result.exit_code == 1
    assert "telefonica_mcp/tools.json" in result.stdout
    assert not (tmp_path / "out").exists()


# --- what the generator owns ------------------------------------------------------------------------------------------


def grouped(*tags: str) -> dict[str, Any]:
    apis = [{"name": f"get_{tag}", "tags": [tag], "httpMethod": "GET", "endpoint": "/", "outputs": []} for tag in tags]
    return {"name": "shop", "apis": apis}


def test_files_of_apis_that_left_the_catalog_go_and_foreign_ones_stay(tmp_path: Path):
    out = tmp_path / "out"
    generated(written(grouped("orders", "users"), tmp_path / "a.json"), out)
    mine = {"notes.md": "mine", "shop_mcp/tools/orders_test.py": "x = 1", "api_catalog.json": "{}", ".env": "KEY=1"}
    for name, text in mine.items():
        (out / "shop" / name).write_text(text)
    result = codegen("generate", written(grouped("users"), tmp_path / "b.json"), "--out", out)
    assert "5 removed" in result.stdout
    left = contents(out / "shop")
    assert not [name for name in left if name.endswith("/orders.py")]
    assert not [name for name in left if name.startswith("shop_mcp/calls/")]  # one group needs none
    assert "shop_mcp/tools/users.py" in left
    assert {name: left[name].decode() for name in mine} == mine


def test_an_edited_file_is_refused_by_name_until_forced(tmp_path: Path):
    fresh = generated(FLAGSHIP, tmp_path)
    edited = tmp_path / "telefonica" / "telefonica_mcp" / "client.py"
    edited.write_text("# mine\n")
    for name in ("README.md", "telefonica_mcp/client.py"):
        with (tmp_path / "telefonica" / name).open("a") as file:
            file.write("# an edit\n")
    result = codegen("generate", FLAGSHIP, "--out", tmp_path)
    assert result.exit_code == 1
    assert "README.md" in result.stderr
    assert "telefonica_mcp/client.py" in result.stderr
    assert "telefonica_mcp/server.py" not in result.stderr
    assert "--force" in result.stderr
    assert edited.read_text() == "# mine\n# an edit\n"
    assert generated(FLAGSHIP, tmp_path, "--force") == fresh


def test_a_foreign_file_in_the_way_is_kept_even_by_force(tmp_path: Path):
    foreign = tmp_path / "telefonica" / "README.md"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    for words in ((), ("--force",)):
        result = codegen("generate", FLAGSHIP, "--out", tmp_path, *words)
        assert result.exit_code == 1
        assert "README.md" in result.stderr
        assert contents(tmp_path) == {"telefonica/README.md": b"mine"}


# --- several catalogs -------------------------------------------------------------------------------------------------


def test_several_catalogs_are_generated_in_one_run_each_in_its_folder(tmp_path: Path):
    result = codegen("generate", FLAGSHIP, CASES / "yaml" / "api_catalog.yaml", "--out", tmp_path)
    assert result.exit_code == 0
    assert {folder.name for folder in tmp_path.iterdir()} == {"telefonica", "yaml"}
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        str(tmp_path / "telefonica"),
        str(tmp_path / "yaml"),
    ]


@pytest.mark.parametrize("other", ["shop-one", "shop_one"])
def test_two_catalogs_of_one_name_are_refused(other: str, tmp_path: Path):
    one = written(grouped("a") | {"name": "shop-one"}, tmp_path / "one.json")
    two = written(grouped("a") | {"name": other}, tmp_path / "two.json")
    result = codegen("generate", one, two, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr == (
        f"{two}:1:1: name: the package of {one} is shop_one_mcp too; give each catalog a name of its own\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_refused_catalog_keeps_the_others_from_being_written(tmp_path: Path):
    bad = written({"name": "bad", "apis": []}, tmp_path / "bad.json")
    result = codegen("generate", FLAGSHIP, bad, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("shop/api_catalog.json", "shop"),
        ("My Shop 2/api_catalog.json", "my-shop-2"),
        ("x/orders.json", "orders"),
        ("Facturación/api_catalog.json", "facturacion"),
        ("2024/api_catalog.json", "catalog"),
        (f"{'long-' * 12}/api_catalog.json", "long-long-long-long-long-long-long-long"),
    ],
)
def test_a_catalog_without_a_name_is_called_after_its_folder_or_its_file(file: str, name: str, tmp_path: Path):
    (tmp_path / file).parent.mkdir()
    catalog = written(grouped("a")["apis"], tmp_path / file)
    assert {path.partition("/")[0] for path in generated(catalog, tmp_path / "out")} == {name}
