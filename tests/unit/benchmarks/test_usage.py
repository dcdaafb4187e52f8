"""What processes use."""

import os

import pytest

from benchmarks.usage import Usage, usage_of

FIRST = Usage(at=10.0, cpu=1.0, resident=0, peak=0, switches=5)
LATER = Usage(at=14.0, cpu=1.2, resident=0, peak=0, switches=13)


def test_shares_are_by_the_time_between_two_samples() -> None:
    assert FIRST.cpu_share(LATER) == pytest.approx(0.05)
    assert FIRST.wakeups(LATER) == 2


def test_usage_is_that_of_the_process() -> None:
    usage = usage_of(os.getpid())
    assert usage.cpu > 0
    assert usage.peak >= usage.resident > 1
    assert usage.switches > 0
