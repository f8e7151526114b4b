"""Measurements of what the project promises about cost, beside its peers: `python -m benchmarks`, `make bench`.

Costs are CPU seconds and peak memory of whole processes, which hold better than wall time on a busy machine; ratios
hold from one machine to the next. This process stays small and does none of the work: a child's peak memory counts
from that of the process which started it.
"""
