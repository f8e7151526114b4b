"""A stand-in of a catalog's APIs: routes, inputs and credentials are enforced, answers are repeatable."""

from mcp_codegen.standin.app import StandIn
from mcp_codegen.standin.behaviour import Behaviour, Fault, parse_fault
from mcp_codegen.standin.places import environment
from mcp_codegen.standin.serving import serve

__all__ = ["Behaviour", "Fault", "StandIn", "environment", "parse_fault", "serve"]
