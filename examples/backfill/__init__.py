"""Publishes the rows of a CSV file, in batches and resumable."""

from examples.backfill.backfill import backfill

__all__ = ["backfill"]
