from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ["MCP_CODEGEN_CACHE"] = "off"  # nothing that was generated before has a say
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile the same modules

ROOT = Path(__file__).parent.parent

# The same examples in every run; `pytest --hypothesis-profile=other` tries others, `=many` many others.
# No example fails for the time that it takes: a machine may be slow, and busy.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", patient, derandomize=True)
settings.register_profile("other", patient)
settings.register_profile("many", patient, max_examples=800)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Naming a class of warnings imports its module: here, only the processes that run tests do that."""
    if "PYTEST_XDIST_WORKER" in os.environ or not config.getoption("numprocesses"):
        config.addinivalue_line("filterwarnings", "error::mcp.MCPDeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with type checks come first: they are long, and each waits for the others, so one worker has them."""
    checked = {item.path for item in items if "mypy" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in checked)


@dataclass(frozen=True)
class Golden:
    """Files with names of their own that hold what a test expects; `--snapshot-update` writes them anew."""

    update: bool

    def file(self, path: Path, text: str) -> None:
        """The file holds this text."""
        if self.update:
            path.write_text(text, "utf-8", newline="\n")
        assert path.is_file(), f"{path} is missing: run pytest with --snapshot-update, and read what it wrote"
        assert text == path.read_bytes().decode(), f"see {path}; --snapshot-update writes it anew"

    def folder(self, path: Path, files: Mapping[str, str]) -> None:
        """The folder holds these files and no others."""
        found = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
        if self.update:
            for name in found - files.keys():
                (path / name).unlink()
            for name in files:
                (path / name).parent.mkdir(parents=True, exist_ok=True)
            found = set(files)
        assert sorted(found) == sorted(files), f"see {path}; --snapshot-update writes it anew"
        for name, text in files.items():
            self.file(path / name, text)


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=request.config.getoption("--snapshot-update"))


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers have in common, for what is made once in a run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def mypy(common: Path) -> Callable[..., str]:
    """What `mypy --strict` has to say of packages and files; "" is praise.

    What they import takes ten times as long as they do, and is looked at once: one run after the other, with one cache.
    python: the interpreter, whose packages are looked at. folder: where it is run.
    """

    def check(*words: str | Path, python: Sequence[str] = (sys.executable,), folder: Path = ROOT) -> str:
        options = ["--strict", "--no-error-summary", "--cache-dir", common / "mypy", *words]
        with (common / "mypy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            command = [*python, "-m", "mypy", *options]
            ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603
        return ended.stdout + ended.stderr

    return check


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
