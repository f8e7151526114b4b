"""What changed between two catalogs for the callers of what is generated from them, and which version that asks for."""

from mcp_codegen.comparing.catalogs import compare
from mcp_codegen.comparing.changes import LEVELS, Change, Comparison, Level
from mcp_codegen.comparing.saying import as_data, as_text, changelog

__all__ = ["LEVELS", "Change", "Comparison", "Level", "as_data", "as_text", "changelog", "compare"]
