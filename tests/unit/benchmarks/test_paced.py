"""End-to-end latency."""

import pytest

from benchmarks.paced import latencies_ms


def test_latency_is_from_the_confirm_to_the_arrival() -> None:
    assert latencies_ms([1.0, 2.0], [1.002, 1.999]) == pytest.approx([2.0, -1.0])
