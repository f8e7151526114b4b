"""mcp-codegen as strangers get it: its source archive, the wheel built from that, and a catalog compiled with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[1]
CATALOG = ROOT / "catalog" / "telefonica" / "api_catalog.json"


def done(*command: str, folder: Path) -> str:
    """What a command printed, having succeeded without anything of this project on its path."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    ended = subprocess.run(  # noqa: S603 - ours
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def built(kind: str, source: Path, folder: Path) -> Path:
    """The archive of this kind, made offline by the backend that pyproject.toml names."""
    done(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder), folder=source)
    [archive] = folder.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return archive


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the unpacked source archive, far from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return built("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder)


def test_the_source_archive_holds_what_the_wheel_and_its_readers_need(sdist: Path):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "pyproject.toml"} <= names
    assert not [
        name for name in names if name.startswith((".git/", ".venv", "out/", "tests/")) or name.endswith(".env")
    ]


def test_the_wheel_holds_every_module_every_template_and_the_license(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {file.relative_to(ROOT).as_posix() for file in (ROOT / "mcp_codegen").rglob("*.py")}
    templates = {file for file in (ROOT / "templates").rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert sources | {f"mcp_codegen/{file.relative_to(ROOT).as_posix()}" for file in templates} <= names
    service = ROOT / "mcp_codegen" / "orchestrator" / "service"
    pages = [*(service.parent / "assets").iterdir(), *(service / "dashboard" / "templates").iterdir()]
    assert len(pages) > 20
    assert {file.relative_to(ROOT).as_posix() for file in pages} <= names
    assert "mcp_codegen/py.typed" in names
    reporting = ROOT / "mcp_codegen" / "orchestrator" / "durable" / "reporting"
    page = {file for file in reporting.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert {file.relative_to(ROOT).as_posix() for file in page} <= names, "what the page of a report is made of"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_installed_elsewhere_generates_the_same_bytes(wheel: Path, tmp_path: Path):
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "--disable-pip-version-check"]
    done(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel), folder=tmp_path)
    [site_packages] = home.glob("lib/python*/site-packages")
    # Its dependencies are not fetched again: this line leads to them, and to nothing that is installed editable.
    (site_packages / "dependencies.pth").write_text(f"{Path(click.__file__).parents[1]}\n")
    codegen = str(home / "bin" / "mcp-codegen")
    done(codegen, "generate", str(CATALOG), "--out", str(tmp_path / "out"), folder=tmp_path)
    committed = ROOT / "out" / "telefonica"
    for file in (file for file in committed.rglob("*") if file.is_file() and "__pycache__" not in file.parts):
        assert (tmp_path / "out" / "telefonica" / file.relative_to(committed)).read_bytes() == file.read_bytes()
    found = done(
        str(home / "bin" / "python"), "-Ic", "import mcp_codegen; print(mcp_codegen.__file__)", folder=tmp_path
    )
    assert found.startswith(str(home))
    assert "The templates are there." in done(codegen, "doctor", folder=tmp_path)
