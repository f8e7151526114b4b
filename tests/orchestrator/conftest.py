from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mcp_codegen.orchestrator.cli import main

ROOT = Path(__file__).parents[2]
PROCESSES = Path(__file__).parent / "processes"
PARCELS = str(PROCESSES / "parcels.py")

Orchestrate = Callable[..., Result]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def orchestrate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Orchestrate:
    """Type a command of mcp-orchestrator in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **options: Any) -> Result:
        result = CliRunner().invoke(main, list(words), **options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run
