"""What black makes of Python, in the mode that generated code is in."""

from __future__ import annotations

import black

MODE = black.Mode(line_length=120, target_versions={black.TargetVersion.PY311})


def blackened(source: str) -> str:
    return black.format_str(source, mode=MODE)
