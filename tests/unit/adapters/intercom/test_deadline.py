"""One deadline for an attempt."""

import time

import pytest

from intercom_sink.adapters.intercom.deadline import Deadline


def test_remaining_time_runs_down(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    deadline = Deadline(5)
    now = 103.5
    assert deadline.remaining() == 1.5


@pytest.mark.parametrize("seconds", [0, -1])
def test_deadline_that_has_passed_is_a_timeout(seconds: float) -> None:
    with pytest.raises(TimeoutError, match="reached its deadline"):
        Deadline(seconds).remaining()
