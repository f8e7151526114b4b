"""Python and the packages that the generator needs, against what it asks for."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mcp_codegen import __version__
from mcp_codegen.doctor.findings import Finding
from mcp_codegen.rendering import templates_folder

NAME = "mcp-codegen"


def installation() -> Iterator[Finding]:
    """Python, the required packages, the templates."""
    try:
        about, lines = metadata.metadata(NAME), metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        said = f"{NAME} {__version__} is not installed, so the versions that it needs are not known."
        yield Finding("warning", said, "Run `make setup` in its checkout, or `pip install` it.")
        lines = []
    else:
        yield _python(about["Requires-Python"] or "")
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _package(requirement)
    templates = templates_folder()
    if (templates / "package").is_dir():
        yield Finding("ok", "The templates are there.")
    else:
        yield Finding("problem", f"There are no templates in {templates}.", f"Install {NAME} again.")


def _python(wanted: str) -> Finding:
    found = platform.python_version()
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return Finding("ok", f"Python {found}")
    return Finding("problem", f"Python {found} does not fit {wanted}.", f"Install {NAME} with a Python that does.")


def _package(requirement: Requirement) -> Finding:
    name, wanted = requirement.name, requirement.specifier
    remedy = f'Run `pip install "{name}{wanted}"`, or `make setup` in a checkout.'
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding("problem", f"The package {name} is not installed.", remedy)
    if wanted.contains(found, prereleases=True):
        return Finding("ok", f"{name} {found}")
    bytes_differ = " Another version prints other bytes." if name == "black" else ""
    return Finding("problem", f"{name} {found} does not fit {wanted}.{bytes_differ}", remedy)
