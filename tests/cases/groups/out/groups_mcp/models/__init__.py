"""The types of what the APIs take and answer, in modules that are imported when something first names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["common", "common_", "facturacion"]

if TYPE_CHECKING:
    from . import common, common_, facturacion
else:
    from ..runtime.importing import when_named as _when_named

    __getattr__ = _when_named(__name__, __all__)
