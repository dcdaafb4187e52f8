"""Benchmarks: `make bench` compares the sink with a bare HTTP client and with its peers (docs/benchmarks.md)."""
