"""What was generated before is not generated again; and what is remembered of it never changes what is done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen import building, memory, pipeline
from mcp_codegen.pipeline import Loaded
from tests.generated import codegen
from tests.test_generate import contents

CATALOG = {
    "name": "shop",
    "gateways": {"main": {"baseUrl": "${SHOP_URL}"}},
    "apis": [
        {"name": "orders", "description": "All orders.", "httpMethod": "GET", "endpoint": "/orders", "inputs": []}
    ],
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(memory.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return written(tmp_path, CATALOG)


def written(folder: Path, catalog: dict[str, Any]) -> Path:
    (folder / "shop.json").write_text(json.dumps(catalog), "utf-8")
    return folder / "shop.json"


def generated(catalog: Path, out: Path, cache: Path | None) -> list[Loaded]:
    """The catalogs that were generated from, which costs time; the others stood in their folders."""
    seen: list[Loaded] = []
    list(building.build(pipeline.load_distinct([catalog]), out, cache, seen.append, force=False))
    return seen


def test_a_package_that_stands_in_its_folder_is_not_generated_again(catalog: Path, tmp_path: Path, cache: Path):
    out = tmp_path / "out"
    assert generated(catalog, out, cache)
    before = contents(out)
    assert not generated(catalog, out, cache)
    assert contents(out) == before
    seen: list[Loaded] = []
    assert building.compare(pipeline.load_distinct([catalog]), out, cache, seen.append) == ""
    assert not seen


def test_it_says_the_same_whether_it_was_generated_again_or_not(
    catalog: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    command = ("generate", catalog, "--out", tmp_path / "out")
    assert "added" in codegen(*command).stdout
    remembered = codegen(*command), codegen(*command, "--check")
    monkeypatch.setenv(memory.VARIABLE, "off")
    anew = codegen(*command), codegen(*command, "--check")
    assert [(one.exit_code, one.stdout, one.stderr) for one in remembered] == [
        (one.exit_code, one.stdout, one.stderr) for one in anew
    ]
    assert "nothing changed" in anew[0].stdout


def test_a_first_comparison_saves_the_second_one_the_work(catalog: Path, tmp_path: Path, cache: Path):
    out = tmp_path / "out"
    assert generated(catalog, out, None)
    seen: list[Loaded] = []
    for _ in range(2):
        assert building.compare(pipeline.load_distinct([catalog]), out, cache, seen.append) == ""
    assert len(seen) == 1


def edit(folder: Path) -> None:
    (folder / "shop_mcp" / "client.py").write_text("# mine\n")


def delete(folder: Path) -> None:
    (folder / "shop_mcp" / "client.py").unlink()


def touch_the_manifest(folder: Path) -> None:
    manifest = folder / ".mcp-codegen.json"
    manifest.write_text(manifest.read_text("utf-8") + "\n", "utf-8")


def leave_a_dead_run(folder: Path) -> None:
    (folder.parent / ".shop.mcp-codegen").mkdir()


@pytest.mark.parametrize("happen", [edit, delete, touch_the_manifest, leave_a_dead_run])
def test_a_folder_that_holds_anything_else_is_looked_at_in_full(
    happen: Callable[[Path], None], catalog: Path, tmp_path: Path, cache: Path
):
    command = ("generate", catalog, "--out", tmp_path / "out")
    codegen(*command)
    happen(tmp_path / "out" / "shop")
    seen: list[Loaded] = []
    building.compare(pipeline.load_distinct([catalog]), tmp_path / "out", cache, seen.append)
    assert len(seen) == 1
    assert codegen(*command, "--check").exit_code == (0 if happen is leave_a_dead_run else 1)
    if happen is edit:
        assert "edited since it was generated" in codegen(*command).stderr


def test_another_catalog_is_generated(catalog: Path, tmp_path: Path, cache: Path):
    out = tmp_path / "out"
    generated(catalog, out, cache)
    changed = json.loads(json.dumps(CATALOG))
    changed["apis"][0]["description"] = "Every order."
    assert generated(written(tmp_path, changed), out, cache)
    assert b"Every order." in contents(out)["shop/shop_mcp/tools/shop.py"]
    assert generated(written(tmp_path, CATALOG), out, cache), "what was remembered is not what stands there now"
    assert b"All orders." in contents(out)["shop/shop_mcp/tools/shop.py"]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def swap_a_digest(file: Path) -> None:
    file.write_text(file.read_text("utf-8").replace("sha256:0", "sha256:1").replace("sha256:a", "sha256:b"), "utf-8")


def drop_a_file(file: Path) -> None:
    seal, _, text = file.read_text("utf-8").partition("\n")
    file.write_text(f"{seal}\n{json.dumps(dict(list(json.loads(text).items())[1:]))}", "utf-8")


def fill_with_noise(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 9)


def nest_deeply(file: Path) -> None:
    file.write_text("[" * 100_000, "utf-8")


def put_a_folder_there(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [cut, swap_a_digest, drop_a_file, fill_with_noise, nest_deeply, put_a_folder_there])
def test_a_spoilt_memory_is_none(spoil: Callable[[Path], None], catalog: Path, tmp_path: Path, cache: Path):
    out = tmp_path / "out"
    generated(catalog, out, cache)
    before = contents(out)
    (remembered,) = cache.iterdir()
    spoil(remembered)
    assert generated(catalog, out, cache)
    assert contents(out) == before


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights are another matter there")
def test_a_folder_that_others_can_write_to_is_not_believed(catalog: Path, tmp_path: Path, cache: Path):
    generated(catalog, tmp_path / "out", cache)
    cache.chmod(0o777)
    assert generated(catalog, tmp_path / "out", cache)


@pytest.mark.parametrize("named", ["file", "file/below", "nul\0", "x" * 5_000])
def test_a_folder_that_cannot_be_used_costs_nothing_but_time(named: str, catalog: Path, tmp_path: Path):
    (tmp_path / "file").write_text("something else")
    cache = memory.folder({memory.VARIABLE: str(tmp_path / named)})
    for _ in range(2):
        assert generated(catalog, tmp_path / "out", cache)


def test_memory_is_bounded_and_forgets_nothing_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "KEPT", 3)
    (tmp_path / "notes.json").write_text("mine")
    keys = [f"{number:064x}" for number in range(6)]
    for number, key in enumerate(keys):
        memory.note(tmp_path, key, {"a.py": str(number)})
    assert {file.name for file in tmp_path.iterdir()} == {"notes.json", *(f"{key}.json" for key in keys[3:])}
    assert memory.recall(tmp_path, keys[5]) == {"a.py": "5"}


def test_the_folder_is_the_users_own_unless_one_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert memory.folder({memory.VARIABLE: "off"}) is None
    assert memory.folder({memory.VARIABLE: "/some/where"}) == Path("/some/where")
    usual = memory.folder({})
    assert usual is not None
    assert usual.is_absolute()
    assert "mcp-codegen" in usual.parts


def test_another_changelog_beside_the_catalog_is_another_package(tmp_path: Path, cache: Path):
    out = tmp_path / "out"
    catalog = written(tmp_path, CATALOG | {"versioning": "semver"})
    assert generated(catalog, out, cache)
    assert not generated(catalog, out, cache)
    (tmp_path / "shop.changelog.md").write_text("# Changelog\n\n## 0.0.1\n\nLong ago.\n", "utf-8")
    assert generated(catalog, out, cache)
    assert b"Long ago." in contents(out)["shop/CHANGELOG.md"]
