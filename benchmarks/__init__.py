"""Measurements of a running Evento; each `python -m benchmarks.<name>` prints one table."""
