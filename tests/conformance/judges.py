"""The external judges: programs of npm, installed once beside this file, run by a Node that is new enough."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
MARK = MODULES / ".installed"
NEEDED = (22, 19)
"""The oldest Node that both judges run on."""
PATIENCE = 300
"""Seconds for an installation over a slow network, and for a judge's program on a slow machine."""


class MissingError(Exception):
    """The judges cannot be had on this machine; its text says why."""


@dataclass(frozen=True)
class Judges:
    """Both programs and what runs them."""

    node: str

    def conformance(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return self._run("@modelcontextprotocol/conformance", "conformance", arguments, folder)

    def inspector(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return self._run("@modelcontextprotocol/inspector", "mcp-inspector", arguments, folder)

    def _run(
        self, package: str, program: str, arguments: Sequence[str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        found = (MODULES / ".bin" / program).resolve()
        assert MODULES / package in found.parents, found
        return subprocess.run(  # noqa: S603 - ours
            [self.node, str(found), *arguments],
            cwd=folder,
            env={**os.environ, "NODE_COMPILE_CACHE": str(MODULES / ".compiled")},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def installed() -> Judges:
    """The judges, as package-lock.json pins them. Raises `MissingError`."""
    import fcntl  # noqa: PLC0415 - not on every system

    lock = FOLDER / "package-lock.json"
    own = _own_node()
    wanted = hashlib.sha256(lock.read_bytes() + own.encode()).hexdigest()
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # one of the test processes installs, the others wait
        if not MARK.is_file() or MARK.read_text() != wanted:
            _install(with_node=not own)
            MARK.write_text(wanted)
    node = own or next((str(file) for file in MODULES.glob("node-*/bin/node")), "")
    if not node:
        raise MissingError(f"Node {'.'.join(map(str, NEEDED))} or newer is not here, nor to be had for this system")
    return Judges(node)


def _install(*, with_node: bool) -> None:
    """As it was pinned, running no package's scripts. Node itself is an optional package, the only one of use here."""
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError("npm is not installed")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    try:
        ended = subprocess.run(  # noqa: S603 - ours
            [*command, *([] if with_node else ["--omit=optional"])],
            cwd=FOLDER,
            env={**os.environ, "npm_config_update_notifier": "false"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MissingError(f"`npm ci` did not end within {PATIENCE} seconds") from error
    if ended.returncode != 0:
        raise MissingError(f"`npm ci` failed: {ended.stderr.strip().splitlines()[-1:]}")


def _own_node() -> str:
    """This machine's Node, if it is new enough."""
    node = shutil.which("node")
    if node is None:
        return ""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - ours
    version = re.match(r"v(\d+)\.(\d+)", said)
    return node if version and (int(version[1]), int(version[2])) >= NEEDED else ""
