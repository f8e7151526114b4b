"""The peers: what users would take instead. Each is installed, in its own version, into an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.children import BrokenError


@dataclass(frozen=True, slots=True)
class Peer:
    """A package that does a part of the same job."""

    name: str
    package: str
    version: str
    near: str
    """The versions that do where that one cannot be installed; which it was is shown."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A peer that is ready to run."""

    name: str
    """With its version."""
    bin: Path
    """The folder of its environment's programs."""
    instead: str = ""
    """Why it is not the version that was asked for; empty where it is."""


FASTMCP: Final = Peer("FastMCP", "fastmcp", "4.1.6", "<=4.1.6,>=4.1")
OPENAPI_PYTHON_CLIENT: Final = Peer("openapi-python-client", "openapi-python-client", "0.29.1", "<0.30,>=0.29")
DATAMODEL_CODE_GENERATOR: Final = Peer("datamodel-code-generator", "datamodel-code-generator", "0.89.0", "<0.90,>=0.88")
PEERS: Final = (FASTMCP, OPENAPI_PYTHON_CLIENT, DATAMODEL_CODE_GENERATOR)

FASTMCP_SERVER: Final = """
import json, pathlib, sys, yaml
from fastmcp import FastMCP
try:
    from httpx2 import AsyncClient
except ImportError:
    from httpx import AsyncClient
text = pathlib.Path(sys.argv[1]).read_text("utf-8")
described = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, yaml.CSafeLoader)
FastMCP.from_openapi(described, AsyncClient(base_url=sys.argv[2])).run(show_banner=False)
"""
"""What its documentation shows: the description, the upstream's base URL."""


def install(peer: Peer, folder: Path, say: Callable[[str], None]) -> Installed:
    """The peer in an environment under the folder, made unless it is there. Raises `BrokenError` with pip's reason."""
    home = folder / f"{peer.package}-{peer.version}"
    mark = home / ".version"
    if not mark.exists():
        say(f"installing {peer.name}")
        _succeed([sys.executable, "-m", "venv", "--clear", str(home)])
        pip = [str(home / "bin" / "python"), "-m", "pip", "--no-input", "--disable-pip-version-check", "-q", "install"]
        instead = ""
        try:
            _succeed([*pip, f"{peer.package}=={peer.version}"])
        except BrokenError as refused:
            instead = str(refused)
            say(f"{peer.name} {peer.version} cannot be installed here: {instead}; trying {peer.near}")
            _succeed([*pip, f"{peer.package}{peer.near}"])
        told = f"from importlib.metadata import version; print(version({peer.package!r}))"
        version = _succeed([str(home / "bin" / "python"), "-c", told]).strip()
        mark.write_text(f"{version}\n{instead}", "utf-8")
    version, _, instead = mark.read_text("utf-8").partition("\n")
    return Installed(f"{peer.name} {version}", home / "bin", instead)


def _succeed(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokenError(pip_reason(done.stderr or done.stdout))
    return done.stdout


def pip_reason(said: str) -> str:
    """Why pip gave up, without the list of all versions that it knows."""
    lines = [line.partition(":")[2].strip() for line in said.splitlines() if line.startswith("ERROR:")]
    last = lines[-1] if lines else " ".join(said.split()) or "it said nothing"
    return last[:200]
