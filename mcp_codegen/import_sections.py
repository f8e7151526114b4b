"""The imports that annotations need, in sections as isort puts them."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_codegen import names
from mcp_codegen.package import Import


def standard_imports(
    code: str, local: Sequence[Import], third_party: Sequence[Import] = ()
) -> tuple[tuple[Import, ...], ...]:
    """Sections of the standard library, packages, and this package; the two last with what is given."""
    words = names.words(code)
    typing = tuple(name for name in ("Annotated", "Any", "Literal") if name in words)
    pydantic = tuple(name for name in ("MISSING", "AliasChoices", "Field") if name in words)
    standard = [Import("datetime", (), alias="dt")] if "dt" in words else []
    standard += [Import("collections.abc", ("AsyncIterator",))] if "AsyncIterator" in words else []
    standard += [Import("typing", typing)] if typing else []
    packages = [*third_party, *([Import("pydantic", pydantic)] if pydantic else [])]
    own = sorted(local, key=lambda one: (one.module.count("..") == 0, one.module))
    return tuple(tuple(section) for section in (standard, packages, own) if section)
