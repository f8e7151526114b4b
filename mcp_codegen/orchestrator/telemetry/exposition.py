"""Prometheus' text of several processes in one answer: this one's, and those of the workers that it keeps.

Workers write theirs to files, as Prometheus' textfile collectors have it; each gets the label `worker`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

CONTENT_TYPE = CONTENT_TYPE_LATEST
ENDING = ".prom"


class _Together(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._found: dict[str, Metric] = {}
        for family in families:
            known = self._found.setdefault(
                family.name, Metric(family.name, family.documentation, family.type, family.unit)
            )
            known.samples += family.samples

    def collect(self) -> Iterator[Metric]:
        yield from self._found.values()


def text(own: CollectorRegistry, folder: Path) -> bytes:
    """The metrics of this process, and what its workers wrote into the folder."""
    together = CollectorRegistry(auto_describe=False)
    together.register(_Together([*own.collect(), *_of_workers(folder)]))
    return generate_latest(together)


def _of_workers(folder: Path) -> Iterator[Metric]:
    for file in sorted(folder.glob(f"*{ENDING}")):
        try:
            families = list(text_string_to_metric_families(file.read_text("utf-8")))
        except (OSError, ValueError):  # it has just ended
            continue
        for family in families:
            family.samples = [_marked(sample, file.stem) for sample in family.samples]
            yield family


def _marked(sample: Sample, worker: str) -> Sample:
    return sample._replace(labels={**sample.labels, "worker": worker})
