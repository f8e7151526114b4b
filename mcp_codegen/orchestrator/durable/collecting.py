"""How often Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 10_000
"""So many new ones it takes until Python looks through them; its own 700 are there within a step or two."""


@contextmanager
def seldom() -> Iterator[None]:
    """Python looks for garbage less often until the block ends, and not in what is there already: modules, mostly.

    Little of a run is garbage that counting references does not find. Looking for it costs a tenth of its processor
    time (`make bench`, processes), and in the service keeps callers waiting.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
