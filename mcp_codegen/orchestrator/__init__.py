"""Business processes over a generated client: `Process` and `Run` are what an author writes with."""

from mcp_codegen.orchestrator.errors import MisuseError, ProcessError, StepError
from mcp_codegen.orchestrator.process import Process, Run, Section

__all__ = ["MisuseError", "Process", "ProcessError", "Run", "Section", "StepError"]
