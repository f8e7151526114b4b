"""From a description to code: import, generation from nothing, generation again, peak memory, size of the output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import building, children, peers
from benchmarks.building import Bench
from benchmarks.children import BrokenError, Cost
from benchmarks.descriptions import Spec
from benchmarks.figures import FLOOR, OURS, Found, Missing, figure

SUBJECT = "generate"
READ = """
import json, pathlib, sys, yaml
text = pathlib.Path(sys.argv[1]).read_text("utf-8")
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
json.loads(text) if text.lstrip().startswith(("{", "[")) else yaml.load(text, loader)
"""
WHOLE, AGAIN = "CPU s from description to code", "CPU s again, nothing changed"
MEMORY, SIZE, LINES = "peak MB", "kB of output", "lines of Python"
GENERATORS = (peers.OPENAPI_PYTHON_CLIENT, peers.DATAMODEL_CODE_GENERATOR)


def measure(bench: Bench) -> Iterator[Found]:
    """Ours, the floor (reading the description), and the peers that generate, for each description."""
    for spec in bench.specs:
        bench.say(f"{spec.name}: generating with {OURS}")
        try:
            yield from _ours(bench, spec)
        except BrokenError as error:
            yield Missing(SUBJECT, spec.name, OURS, str(error))
        floor = children.sampled(partial(children.run, [sys.executable, "-c", READ, spec.file]), bench.repeats)
        yield figure(SUBJECT, spec.name, WHOLE, FLOOR, [cost.cpu for cost in floor])
        yield figure(SUBJECT, spec.name, MEMORY, FLOOR, [cost.memory for cost in floor])
        for peer in GENERATORS:
            if peer.name in bench.peers:
                yield from _theirs(bench, spec, peer)


def code_of(bench: Bench, spec: Spec, peer: peers.Peer) -> Path:
    """Where a peer's code for a description goes."""
    return bench.work / spec.name / peer.package


def generate(bench: Bench, spec: Spec, peer: peers.Peer) -> Cost:
    """A peer's generation, as its documentation shows it. Raises `BrokenError`."""
    programs, out = bench.peers[peer.name].bin, code_of(bench, spec, peer)
    out.mkdir(parents=True, exist_ok=True)
    if peer is peers.OPENAPI_PYTHON_CLIENT:
        words: list[str | Path] = [peer.package, "generate", "--path", spec.file, "--output-path", out, "--overwrite"]
    else:
        words = ["datamodel-codegen", "--input", spec.file, "--input-file-type", "openapi"]
        words += ["--output-model-type", "pydantic_v2.BaseModel", "--output"]
        modules = out / "models"  # what it calls modular goes into a folder, and nothing else may
        words.append(modules if modules.is_dir() else out / "models.py")
    try:
        cost = children.run([programs / words[0], *words[1:]])
    except BrokenError as error:
        if "require an output directory" not in str(error):
            raise
        (out / "models").mkdir()
        return generate(bench, spec, peer)
    if not any(out.rglob("*.py")):
        raise BrokenError("it wrote no Python")
    return cost


def _ours(bench: Bench, spec: Spec) -> Iterator[Found]:
    catalog = bench.catalog(spec)
    imported = [] if spec.is_catalog else children.sampled(lambda: building.import_(spec, catalog), bench.repeats)
    out = bench.work / spec.name / "out"
    remembered = {"MCP_CODEGEN_CACHE": str(bench.work / "cache")}
    generated = []
    for run in range(bench.repeats):
        cold = bench.work / spec.name / f"cold{run}"
        generated.append(building.generate(catalog, cold))
    building.generate(catalog, out, remembered)
    again = children.sampled(lambda: building.generate(catalog, out, remembered), bench.repeats)
    bench.packages[spec.file] = package = building.generated_in(out)
    if imported:
        yield figure(SUBJECT, spec.name, "CPU s to import", OURS, [cost.cpu for cost in imported])
    yield figure(SUBJECT, spec.name, "CPU s to generate", OURS, [cost.cpu for cost in generated])
    both = [one.cpu + other.cpu for one, other in zip(imported, generated, strict=False)] or [c.cpu for c in generated]
    yield figure(SUBJECT, spec.name, WHOLE, OURS, both)
    yield figure(SUBJECT, spec.name, AGAIN, OURS, [cost.cpu for cost in again])
    yield figure(SUBJECT, spec.name, MEMORY, OURS, [max(cost.memory for cost in [*imported, *generated])])
    yield from _sizes(spec, OURS, package.parent)


def _theirs(bench: Bench, spec: Spec, peer: peers.Peer) -> Iterator[Found]:
    name, out = bench.peers[peer.name].name, code_of(bench, spec, peer)
    if spec.is_catalog:
        yield Missing(SUBJECT, spec.name, name, "it reads OpenAPI descriptions, not catalogs")
        return
    bench.say(f"{spec.name}: generating with {name}")
    try:
        first, again = generate(bench, spec, peer), generate(bench, spec, peer)
    except BrokenError as error:
        yield Missing(SUBJECT, spec.name, name, str(error))
        return
    yield figure(SUBJECT, spec.name, WHOLE, name, [first.cpu])
    yield figure(SUBJECT, spec.name, AGAIN, name, [again.cpu])
    yield figure(SUBJECT, spec.name, MEMORY, name, [first.memory])
    yield from _sizes(spec, name, out)


def _sizes(spec: Spec, contestant: str, folder: Path) -> Iterator[Found]:
    files = [file for file in folder.rglob("*") if file.is_file() and "_cache" not in str(file.relative_to(folder))]
    written = sum(file.stat().st_size for file in files if file.suffix != ".pyc")
    lines = sum(file.read_bytes().count(b"\n") for file in files if file.suffix == ".py")
    yield figure(SUBJECT, spec.name, SIZE, contestant, [written / 1000])
    yield figure(SUBJECT, spec.name, LINES, contestant, [lines])
