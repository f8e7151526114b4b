"""Measurements of what the project promises about speed: one module for each subject, `bench_*.py`."""
