"""What is wrong with the texts of a catalog, which every agent reads that lists its tools."""

from mcp_codegen.linting.checking import check, lint, review
from mcp_codegen.linting.findings import LEVELS, RULES, Finding, Level, Rule
from mcp_codegen.linting.strings import Written, strings

__all__ = ["LEVELS", "RULES", "Finding", "Level", "Rule", "Written", "check", "lint", "review", "strings"]
