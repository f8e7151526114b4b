"""The packages that are measured, made by this project's own command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import children
from benchmarks.children import Cost
from benchmarks.descriptions import ROOT, Spec
from benchmarks.peers import Installed

CODEGEN: Final = (sys.executable, "-m", "mcp_codegen")
UNREMEMBERED: Final = {"MCP_CODEGEN_CACHE": "off"}


@dataclass(frozen=True, slots=True)
class Bench:
    """What a subject measures with."""

    specs: tuple[Spec, ...]
    peers: Mapping[str, Installed]
    """Those that could be installed, by the peer's name."""
    work: Path
    """A folder of this run, which goes when it ends."""
    repeats: int
    say: Callable[[str], None]
    customers: tuple[int, ...]
    """How many a batch of processes has."""
    packages: dict[Path, Path] = field(default_factory=dict)

    def package(self, spec: Spec) -> Path:
        """The folder of a description's generated package, made when first asked for. Raises `BrokenError`."""
        if spec.file not in self.packages:
            self.say(f"{spec.name}: generating its package")
            catalog, out = self.catalog(spec), self.work / spec.name / "out"
            if not catalog.exists():
                import_(spec, catalog)
            generate(catalog, out)
            self.packages[spec.file] = generated_in(out)
        return self.packages[spec.file]

    def catalog(self, spec: Spec) -> Path:
        """Where a description's catalog is, or is to be."""
        return spec.file if spec.is_catalog else self.work / spec.name / "api_catalog.json"


def import_(spec: Spec, catalog: Path) -> Cost:
    """Import a description. Raises `BrokenError`."""
    catalog.parent.mkdir(parents=True, exist_ok=True)
    catalog.unlink(missing_ok=True)
    return children.run([*CODEGEN, "import", spec.file, "--out", catalog], cwd=ROOT)


def generate(catalog: Path, out: Path, environ: Mapping[str, str] = UNREMEMBERED) -> Cost:
    """Generate a catalog's package. Raises `BrokenError`."""
    return children.run([*CODEGEN, "generate", catalog, "--out", out], cwd=ROOT, environ=environ)


def generated_in(out: Path) -> Path:
    """The one package in an output folder."""
    (package,) = out.glob("*/*_mcp")
    return package


@contextmanager
def upstream(catalog: Path, *options: str) -> Iterator[dict[str, str]]:
    """A stand-in of the catalog's APIs until the block ends; yields the settings of a server that calls it."""
    command = [*CODEGEN, "mock", str(catalog), "--port", "0", "--json", *options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline() if process.stdout else "")["environment"]
        finally:
            process.terminate()
