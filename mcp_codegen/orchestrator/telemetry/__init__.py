"""What is told of runs while they go on: spans, metrics, the log. Nothing leaves unless it is configured."""
