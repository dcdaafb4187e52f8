"""How long the pauses have lasted in all."""

from intercom_sink.adapters.monitors.state.pauses import Pauses
from intercom_sink.domain.causes import PauseCause


def test_pauses_that_overlap_count_once() -> None:
    pauses = Pauses()
    pauses.begin(PauseCause.NO_RESPONSE, 10, 5)
    pauses.begin(PauseCause.RATE_LIMITED, 12, 6)
    assert [pauses.seconds_so_far(now) for now in (10, 14, 18, 100)] == [0, 4, 8, 8]
    assert (pauses.cause, pauses.since, pauses.until) == (PauseCause.RATE_LIMITED, 10, 18)


def test_shorter_pause_does_not_end_a_longer_one() -> None:
    pauses = Pauses()
    pauses.begin(PauseCause.RATE_LIMITED, 0, 10)
    pauses.begin(PauseCause.NO_RESPONSE, 1, 1)
    assert pauses.until == 10
    assert pauses.seconds_so_far(20) == 10


def test_pause_that_ends_early_counts_up_to_then() -> None:
    pauses = Pauses()
    pauses.begin(PauseCause.RATE_LIMITED, 0, 10)
    pauses.end(4)
    assert (pauses.cause, pauses.seconds_so_far(4), pauses.seconds_so_far(100)) == (None, 4, 4)
    pauses.begin(PauseCause.RATE_LIMITED, 200, 10)
    assert (pauses.since, pauses.seconds_so_far(300)) == (200, 14)
