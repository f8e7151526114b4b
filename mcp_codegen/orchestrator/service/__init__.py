"""The orchestrator as a service: runs and batches over HTTP. It needs the extra `[service]`."""
