"""Spans (OpenTelemetry). All modules need the extra `otel`, except for `installed`, which finds out if it is there."""
