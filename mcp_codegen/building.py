"""Catalogs that were read → packages in the output folder. What stands there already is not made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_codegen import memory, output, pipeline
from mcp_codegen.output import Files, Written
from mcp_codegen.pipeline import Loaded

Watch = Callable[[Loaded], None]
"""Told of each catalog before its package is generated."""


@dataclass(frozen=True, slots=True)
class Built:
    """A package as it stands in its folder, and what was done for that; `None` for nothing."""

    folder: Path
    tools: int
    files: int
    """All that the generator owns there, the manifest included, as in `written`."""
    written: Written | None


@dataclass(frozen=True, slots=True)
class _Job:
    loaded: Loaded
    folder: Path
    key: str
    """What it is remembered under; "" where nothing is."""
    standing: int
    """How many files stand in the folder, just as they would be generated; 0 for not known."""


def build(loaded: Sequence[Loaded], out: Path, cache: Path | None, watch: Watch, *, force: bool) -> Iterator[Built]:
    """Make each package stand in its folder, `out/NAME`.

    cache: where the generator's memory is. Raises `OutputError`: before anything is written when that would lose what
    a person wrote, unless `force`, and for folders that cannot be used.
    """
    jobs = _jobs(loaded, out, cache)
    made = {job.folder: _generated(job, watch) for job in jobs if not job.standing}
    for folder, planned in made.items():
        output.refuse(planned, folder, force=force)
    for job in jobs:
        tools = len(job.loaded.catalog.active)
        if new := made.get(job.folder):
            written = output.write(new, job.folder, force=force)
            memory.note(cache, job.key, output.digests(new))
            yield Built(job.folder, tools, len(new) + 1, written)
        else:
            yield Built(job.folder, tools, job.standing + 1, None)


def compare(loaded: Sequence[Loaded], out: Path, cache: Path | None, watch: Watch) -> str:
    """A diff from what stands in the folders to what would be generated; "" where nothing differs."""
    diffs = []
    for job in _jobs(loaded, out, cache):
        if not job.standing:
            made = _generated(job, watch)
            diffs.append(output.diff(made, job.folder))
            memory.note(cache, job.key, output.digests(made))
    return "".join(diffs)


def _jobs(loaded: Sequence[Loaded], out: Path, cache: Path | None) -> list[_Job]:
    jobs = []
    keys = memory.keys(one.inputs for one in loaded) if cache else [""] * len(loaded)
    for one, key in zip(loaded, keys, strict=True):
        folder = out / one.catalog.catalog.name
        digests = memory.recall(cache, key)
        standing = len(digests) if digests and output.holds(digests, folder) else 0
        jobs.append(_Job(one, folder, key, standing))
    return jobs


def _generated(job: _Job, watch: Watch) -> Files:
    watch(job.loaded)
    return pipeline.make(job.loaded).files
