"""Metrics: `prometheus` counts events and reads the snapshot.

`histogram` holds times, `error_codes` is the closed list for labels.
"""
