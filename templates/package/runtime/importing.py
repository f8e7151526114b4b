"""Modules of a package that are imported when something first names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType


def when_named(package: str, modules: Sequence[str]) -> Callable[[str], ModuleType]:
    """A package's `__getattr__` (PEP 562), asked for a name that the package does not have yet."""

    def imported(name: str) -> ModuleType:
        if name in modules:
            return import_module(f"{package}.{name}")  # which makes it an attribute of the package
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return imported
