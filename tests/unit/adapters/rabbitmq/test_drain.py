import pytest

from intercom_sink.adapters.rabbitmq.drain import DRAIN_CHECK_INTERVAL, DrainCheck


class Check(DrainCheck):
    def __init__(self) -> None:
        self.requests = 0
        self.timers: list[float] = []
        self.drained = 0
        super().__init__(self._request, lambda delay, _: self.timers.append(delay), self._end)

    def _request(self) -> None:
        self.requests += 1

    def _end(self) -> None:
        self.drained += 1


@pytest.fixture
def check() -> Check:
    made = Check()
    made.check()
    return made


def test_two_empty_depths_in_a_row_mean_drained(check: Check) -> None:
    check.on_depth(0)
    assert (check.requests, check.drained) == (2, 0)
    check.on_depth(0)
    assert (check.requests, check.drained) == (2, 1)


def test_a_delivery_between_two_empty_depths_starts_the_count_over(check: Check) -> None:
    """The message had left the queue before the first reply, and had not arrived yet."""
    check.on_depth(0)
    check.on_delivery()
    check.on_depth(0)
    assert (check.requests, check.drained) == (2, 0)
    check.on_acked(1)
    check.on_depth(0)
    assert check.drained == 0
    check.on_depth(0)
    assert check.drained == 1


def test_a_delivery_acked_before_the_second_depth_starts_the_count_over(check: Check) -> None:
    check.on_depth(0)
    check.on_delivery()
    check.on_acked(1)
    check.on_depth(0)
    assert check.drained == 0
    check.on_depth(0)
    assert check.drained == 1


def test_nothing_is_checked_while_deliveries_are_unacked(check: Check) -> None:
    check.on_delivery()
    check.on_delivery()
    check.on_depth(0)
    check.check()
    check.on_acked(1)
    assert check.requests == 1
    check.on_acked(1)
    assert check.requests == 2


def test_only_one_check_is_pending_at_a_time(check: Check) -> None:
    check.check()
    assert check.requests == 1


def test_a_queue_with_messages_of_others_is_checked_again_later(check: Check) -> None:
    check.on_depth(0)
    check.on_depth(3)
    assert (check.timers, check.requests) == ([DRAIN_CHECK_INTERVAL], 2)
    check.check()
    check.on_depth(0)
    assert check.drained == 0, "the empty depth before the 3 does not count"
    check.on_depth(0)
    assert check.drained == 1


def test_nothing_is_checked_unless_the_source_drains() -> None:
    requests: list[None] = []
    check = DrainCheck(lambda: requests.append(None), lambda *_: None, None)
    check.check()
    check.on_delivery()
    check.on_acked(1)
    assert requests == []
