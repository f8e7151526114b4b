"""What is wrong with an installation, with catalogs and what was generated from them, and what to do about it."""

from mcp_codegen.doctor.catalogs import catalogs
from mcp_codegen.doctor.findings import Finding
from mcp_codegen.doctor.installation import installation
from mcp_codegen.doctor.models import language_models, secrets

__all__ = ["Finding", "catalogs", "installation", "language_models", "secrets"]
