"""`mcp-codegen release`, and the versions and changelogs of packages whose catalogs ask for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.comparing.catalogs import api, catalog, written
from tests.generated import codegen

OPTIONAL = {"name": "page", "type": "int", "required": False}
REQUIRED = {"name": "id", "type": "string"}


def shop(*apis: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return catalog(*apis, versioning="semver", **keys)


def generated(file: Path) -> dict[str, str]:
    """The package's version as everything that tells it says, and its changelog."""
    out = file.parent / "out"
    result = codegen("generate", file, "--out", out)
    assert result.exit_code == 0, result.stderr
    package = out / "shop"
    (version,) = {
        (package / "pyproject.toml").read_text().partition('\nversion = "')[2].partition('"')[0],
        (package / "shop_mcp" / "__init__.py").read_text().partition('__version__ = "')[2].partition('"')[0],
        json.loads((package / "shop_mcp_metadata.json").read_text())["catalog"]["version"],
    }
    return {"version": version, "changelog": (package / "CHANGELOG.md").read_text("utf-8")}


def released(file: Path) -> str:
    result = codegen("release", file)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "api_catalog.json", shop(api()))


def test_the_version_of_a_package_is_raised_as_the_changes_since_the_last_release_ask(file: Path):
    assert generated(file)["version"] == "1.2.3"
    released(file)
    for now, version in [
        (shop(api(inputs=[OPTIONAL])), "1.3.0"),
        (shop(api(inputs=[REQUIRED])), "2.0.0"),
        (shop(api(description="Better.")), "1.2.4"),
        (shop(api()), "1.2.3"),
    ]:
        written(file, now)
        assert generated(file)["version"] == version


def test_a_version_that_a_person_wrote_stands_where_it_is_higher(file: Path):
    released(file)
    written(file, shop(api(inputs=[OPTIONAL]), version="3.0.0"))
    assert generated(file)["version"] == "3.0.0"


def test_generating_again_and_checking_give_the_same_bytes_before_and_after_a_release(file: Path):
    for now in (shop(api()), shop(api(inputs=[OPTIONAL]))):
        written(file, now)
        for step in ("change", "release"):
            if step == "release":
                released(file)
            first = generated(file)
            assert generated(file) == first
            assert codegen("generate", file, "--out", file.parent / "out", "--check").exit_code == 0
        assert generated(file) == first


def test_a_release_makes_of_the_next_changelog_the_changelog(file: Path, snapshot):
    released(file)
    written(file, shop(api(inputs=[OPTIONAL]), api(name="other")))
    before = generated(file)
    released(file)
    assert generated(file) == before
    written(file, shop(api(inputs=[REQUIRED], title="A thing"), version="1.3.0"))
    assert generated(file)["changelog"] == snapshot


def test_a_changelog_that_a_person_edited_is_kept_as_it_is(file: Path):
    released(file)
    written(file, shop(api(inputs=[OPTIONAL])))
    released(file)
    log = file.with_name("api_catalog.changelog.md")
    log.write_text(log.read_text().replace("The first release, with 1 tool.", "Where it *all* began."))
    written(file, shop(api(inputs=[REQUIRED]), version="1.3.0"))
    assert "Where it *all* began." in generated(file)["changelog"]
    released(file)
    assert "Where it *all* began." in log.read_text()


def test_a_changelog_that_was_there_before_the_first_release_is_kept(file: Path):
    log = file.with_name("api_catalog.changelog.md")
    log.write_text("# Ours\n\nWhat we did.\n\n## 1.0.0\n\nAll of it.\n")
    released(file)
    entry = "## 1.2.3\n\nThe first release, with 1 tool.\n"
    assert log.read_text() == f"# Ours\n\nWhat we did.\n\n{entry}\n## 1.0.0\n\nAll of it.\n"


def test_a_release_that_was_cut_short_is_completed_by_the_next(file: Path):
    released(file)
    written(file, shop(api(inputs=[OPTIONAL])))
    before = file.with_name("api_catalog.released.json").read_bytes()
    released(file)
    complete = {one.name: one.read_bytes() for one in file.parent.iterdir()}
    file.with_name("api_catalog.released.json").write_bytes(before)
    released(file)
    assert {one.name: one.read_bytes() for one in file.parent.iterdir()} == complete


def test_a_release_changes_just_the_characters_of_the_version_in_the_catalog(tmp_path: Path):
    file = tmp_path / "shop.yaml"
    text = (
        "# ours\nname:   shop\nversion: '1.0'   # raised by release\nversioning: semver\n\napis:\n"
        "  - {name: a, httpMethod: GET, endpoint: /a, gateway: direct}\n"
    )
    file.write_text(text)
    assert "shop.yaml is 1.0 now" in released(file)
    assert file.read_text() == text
    more = text + "  - {name: b, httpMethod: GET, endpoint: /b, gateway: direct} # new\n"
    file.write_text(more)
    assert "shop.yaml is 1.1.0 now" in released(file)
    assert file.read_text() == more.replace("'1.0'", "'1.1.0'")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["shop.changelog.md", "shop.released.json", "shop.yaml"]


def test_where_nothing_changed_there_is_nothing_to_release(file: Path):
    released(file)
    before = {one.name: one.read_bytes() for one in file.parent.iterdir()}
    assert released(file) == "Nothing changed for callers since 1.2.3.\n"
    assert {one.name: one.read_bytes() for one in file.parent.iterdir()} == before


def test_a_catalog_that_does_not_ask_has_the_version_that_it_says_and_no_changelog(tmp_path: Path):
    file = written(tmp_path / "api_catalog.json", catalog(api()))
    result = codegen("release", file)
    assert result.exit_code == 1
    assert 'does not ask for versions; write "versioning": "semver" in it' in result.stderr
    codegen("generate", file, "--out", tmp_path / "out")
    assert not (tmp_path / "out" / "shop" / "CHANGELOG.md").exists()


def test_a_released_copy_that_is_broken_is_told_with_its_place(file: Path):
    released(file)
    file.with_name("api_catalog.released.json").write_text("{")
    result = codegen("generate", file, "--out", file.parent / "out")
    assert result.exit_code == 1
    assert "api_catalog.released.json:1:2: $: not valid JSON" in result.stderr
