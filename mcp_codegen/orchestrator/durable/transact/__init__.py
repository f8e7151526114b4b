"""The durable engine: DBOS Transact behind the orchestrator's `Engine`. No other package imports dbos."""

from mcp_codegen.orchestrator.durable.transact.engine import DurableEngine
from mcp_codegen.orchestrator.durable.transact.errands import Errands, errands
from mcp_codegen.orchestrator.durable.transact.history import History, history
from mcp_codegen.orchestrator.durable.transact.opening import opened
from mcp_codegen.orchestrator.durable.transact.submission import Submitter, prepare, submitting

__all__ = ["DurableEngine", "Errands", "History", "Submitter", "errands", "history", "opened", "prepare", "submitting"]
