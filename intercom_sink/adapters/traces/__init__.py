"""Spans (OpenTelemetry): what the extra `otel` adds. Every module of this package but this one needs it."""
