"""Publishes the rows of a CSV file, in batches and resumable."""

from examples.backfill.backfill import InvalidRow, backfill

__all__ = ["InvalidRow", "backfill"]
