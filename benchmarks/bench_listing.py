"""What a server of many tools costs until `tools/list` is answered: CPU, memory, and bytes of the answer.

For the largest descriptions of the corpus, or for those that `MCP_CODEGEN_SPECS` names (files, separated as in PATH;
`--spec FILE` sets it). CPU and memory are told as ratios to importing the SDK, the least that any server costs; bytes
as ratios to the budget of a listing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mcp_codegen.listing import LISTING_BYTES

RUNS = 5
LARGEST = 3
"""How many descriptions of the corpus are measured."""
ROOT = Path(__file__).parent.parent
FLOOR = "from mcp.server import MCPServer; print(flush=True); input()"


@dataclass(frozen=True)
class Cost:
    """CPU seconds, peak memory in MB, and bytes of the answer."""

    cpu: float
    memory: float
    size: int = 0


def main() -> Mapping[str, float]:
    """Ratios for each description; nothing where there is none, or no /proc to read."""
    specs = _specs()
    if not specs or not Path("/proc/self/status").exists():
        print("   no descriptions to measure: name some with --spec FILE")
        return {}
    floor = _best([_floor() for _ in range(RUNS)])
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for spec in specs:
            package = _generated(spec, Path(folder) / spec.parent.name)
            tools = json.loads((package / "tools.json").read_text("utf-8"))["tools"]
            cost = _best([_listed(package) for _ in range(RUNS)])
            name = f"{spec.stem}, {len(tools)} tools:"
            ratios[f"{name} CPU until tools/list is answered / import of the SDK"] = cost.cpu / floor.cpu
            ratios[f"{name} peak memory / import of the SDK"] = cost.memory / floor.memory
            ratios[f"{name} bytes of tools/list / budget"] = cost.size / LISTING_BYTES
    return ratios


def _specs() -> list[Path]:
    if named := os.environ.get("MCP_CODEGEN_SPECS"):
        return [Path(one).resolve() for one in named.split(os.pathsep)]
    corpus = Path(os.environ.get("MCP_CODEGEN_CORPUS", ROOT.parent / "shared" / "corpus"))
    found = [file for file in corpus.glob("*/*") if file.suffix in (".json", ".yaml", ".yml")]
    return sorted(found, key=lambda file: -file.stat().st_size)[:LARGEST]


def _generated(spec: Path, folder: Path) -> Path:
    """The package of a description."""
    catalog = folder / "measured" / "api_catalog.json"
    catalog.parent.mkdir(parents=True, exist_ok=True)
    for words in (["import", spec, "--out", catalog], ["generate", catalog, "--out", folder / "out"]):
        command = [sys.executable, "-m", "mcp_codegen", *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (package,) = (folder / "out").glob("*/*_mcp")
    return package


def _best(costs: list[Cost]) -> Cost:
    """Of several runs, what the machine's other work disturbed least."""
    return Cost(min(one.cpu for one in costs), min(one.memory for one in costs), costs[0].size)


def _floor() -> Cost:
    with subprocess.Popen([sys.executable, "-c", FLOOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        _pipes(process)[1].readline()
        cost = _cost(process.pid)
        process.kill()
    return cost


def _listed(package: Path) -> Cost:
    """A session over stdio, up to the answer of `tools/list`."""
    command = [sys.executable, "-m", package.name]
    with subprocess.Popen(command, cwd=package.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        asked, answered = _pipes(process)
        _send(asked, {"id": 1, "method": "initialize", "params": client})
        answered.readline()
        _send(asked, {"method": "notifications/initialized"})
        _send(asked, {"id": 2, "method": "tools/list"})
        size = len(answered.readline())
        cost = _cost(process.pid)
        process.kill()
    return Cost(cost.cpu, cost.memory, size)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process that is measured is started with pipes")
    return process.stdin, process.stdout


def _send(pipe: IO[bytes], message: Mapping[str, object]) -> None:
    pipe.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    pipe.flush()


def _cost(pid: int) -> Cost:
    """What a process has used so far (Linux's /proc)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    peak = Path(f"/proc/{pid}/status").read_text("ascii").partition("VmHWM:")[2].split()[0]
    return Cost((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak) / 1024)
