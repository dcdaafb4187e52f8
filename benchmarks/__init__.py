"""Measurements: `make bench` compares the sink with the limit and with its peers (docs/benchmarks.md)."""
