"""Webhooks: who is told of what, signed, and delivered until it is accepted or given up."""
