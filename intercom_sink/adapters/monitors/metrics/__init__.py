"""Metrics: `prometheus` counts events and reads the snapshot; `error_codes` is the closed list for its labels."""
