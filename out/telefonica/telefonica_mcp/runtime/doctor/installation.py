"""Python and the packages that the server needs, against what it asks for."""

from __future__ import annotations

import operator
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from itertools import zip_longest

from .findings import Finding, fine, problem, warning

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?")
_CLAUSE = re.compile(r"(>=|<=|==|!=|>|<)\s*([0-9][0-9A-Za-z.+!-]*)")
_HOLDS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def installed(distribution: str) -> Iterator[Finding]:
    """Python, and each package that the distribution requires."""
    try:
        about = metadata.metadata(distribution)
    except metadata.PackageNotFoundError:
        yield warning(
            f"{distribution} is not installed, so the versions that it needs are not known.",
            "Run `pip install .` in its folder.",
        )
        return
    wanted, found = about["Requires-Python"] or "", platform.python_version()
    if is_in(found, wanted):
        yield fine(f"Python {found}")
    else:
        yield problem(f"Python {found} does not fit {wanted}.", "Install it with a Python that does.")
    for line in metadata.requires(distribution) or ():
        if ";" not in line and (required := _REQUIREMENT.match(line)):
            yield _package(required[1], required[2].strip())


def is_in(version: str, specifiers: str) -> bool:
    """Whether a version is in a range such as `>=2.3,<3`. Of a version only the numbers count."""
    return all(_HOLDS[sign](_order(version, bound), 0) for sign, bound in _CLAUSE.findall(specifiers))


def _package(name: str, wanted: str) -> Finding:
    remedy = f'Run `pip install "{name}{wanted}"` in the environment of the server.'
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return problem(f"The package {name} is not installed.", remedy)
    if is_in(found, wanted):
        return fine(f"{name} {found}")
    return problem(f"{name} {found} does not fit {wanted}.", remedy)


def _order(one: str, other: str) -> int:
    """Below, at or above 0, as one version is before, at or behind the other."""
    numbers = ([int(part) for part in re.findall(r"\d+", re.split(r"[^0-9.]", text)[0])] for text in (one, other))
    pairs = zip_longest(*numbers, fillvalue=0)
    return next((1 if left > right else -1 for left, right in pairs if left != right), 0)
