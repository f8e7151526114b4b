"""Business processes over a generated client: `Process` and `Run` are what an author writes with."""

from mcp_codegen.orchestrator.errors import MisuseError, ProcessError, StepError
from mcp_codegen.orchestrator.masking import Personal
from mcp_codegen.orchestrator.process import Process, Run, Section
from mcp_codegen.orchestrator.record import Measure
from mcp_codegen.orchestrator.retrying import Retry

__all__ = ["Measure", "MisuseError", "Personal", "Process", "ProcessError", "Retry", "Run", "Section", "StepError"]
