"""What is told of runs while they go on: spans, metrics and lines of the log. Nothing leaves unless it is configured."""
