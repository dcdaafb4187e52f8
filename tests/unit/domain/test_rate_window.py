"""How many requests the rate window takes, as far as responses report it."""

import re
from copy import deepcopy
from dataclasses import replace

import pytest

from intercom_sink import Response
from intercom_sink.domain import rate_window
from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY, UNREPORTED, WINDOW_SECONDS, RateLimit
from intercom_sink.domain.rate_window import RateWindow, seconds_until
from tests.support import worked_timeline
from tests.support.intercom import OK, reported

MANY = 1000
"""As many as are ever sent at once here."""


def start(window: RateWindow, now: float = 0.0) -> int:
    """Starts a request, which the window must take now; returns its number."""
    assert window.seconds_to_wait(now) == 0
    return window.start(now)


def finish(window: RateWindow, number: int, response: Response, now: float = 0.0) -> bool:
    return window.finish(number, response.rate_limit, now)


def send(window: RateWindow, response: Response = OK, now: float = 0.0) -> None:
    """Sends one request, to which the response comes at once."""
    finish(window, start(window, now), response, now)


def available(window: RateWindow, now: float = 0.0) -> int:
    """How many requests the window would take now."""
    trial = deepcopy(window)
    for count in range(MANY):
        if trial.seconds_to_wait(now) > 0:
            return count
        trial.start(now)
    return MANY


def test_worked_timeline_is_what_happens() -> None:
    """Replays the timeline of the module's docstring, row by row, and compares the counts."""
    window = RateWindow(reserve=0.0)
    in_flight = {"A": start(window, 93.2)}
    rows = worked_timeline.rows(rate_window)
    counts = []
    for now, event, _ in rows:
        requests = re.findall(r"\b[A-F]\b", event)
        match event.split():
            case [_, "responds:", "Remaining", remaining, *date]:
                reset = reported(
                    int(remaining.strip(",")), limit=6, server_time=int(date[-1]) if date else int(now), reset_at=100
                )
                finish(window, in_flight.pop(requests[0]), reset, now)
            case [*_, "is" | "are", "sent"]:
                in_flight |= {request: start(window, now) for request in requests}
            case [_, "fails", "without", "a", "response"]:
                window.finish(in_flight.pop(requests[0]), UNREPORTED, now)
            case _:
                assert event == "the window has ended, F is still in flight"
                assert set(in_flight) == {"F"}
                assert deepcopy(window).seconds_to_wait(now - 0.1) > 0
        counts.append(available(window, now))
    assert counts == [int(state.split()[0]) for _, _, state in rows]
    assert len(rows) == 9


def test_end_in_the_worked_timeline_is_the_documented_one() -> None:
    """The first report puts it at 100.4, and the one of 94.2 at 100.2; then the next request waits until then."""
    window = RateWindow(reserve=0.0)
    first, *others = (start(window, 93.2) for _ in range(6))
    finish(window, first, reported(5, limit=6, server_time=93, reset_at=100), now=93.4)
    assert 93.4 + window.seconds_to_wait(93.4) == pytest.approx(100.4)
    finish(window, others[0], reported(1, limit=6, server_time=94, reset_at=100), now=94.2)
    assert 94.3 + window.seconds_to_wait(94.3) == pytest.approx(100.2)


def test_first_report_puts_the_end_up_to_a_second_too_late() -> None:
    """As the worked timeline says of its first row: 0.4 s, since `Date` has whole seconds."""
    window = RateWindow(reserve=0.0)
    send(window, reported(0, limit=6, server_time=93, reset_at=100), now=93.4)
    assert 93.4 + window.seconds_to_wait(93.4) == pytest.approx(100.4)


def test_nothing_waits_before_the_first_report() -> None:
    assert available(RateWindow(reserve=0.0)) == MANY


def test_responses_without_headers_never_make_it_wait() -> None:
    window = RateWindow(reserve=0.0)
    for now in range(100):
        send(window, Response(200, RateLimit(server_time=now)), now)
    assert available(window, 100) == MANY


def test_incomplete_report_is_not_read() -> None:
    whole = reported(remaining=0).rate_limit
    for incomplete in (
        replace(whole, server_time=None),
        replace(whole, reset_at=None),
        replace(whole, limit=None),
        replace(whole, remaining=None),
    ):
        window = RateWindow(reserve=0.0)
        send(window, Response(200, incomplete))
        assert available(window) == MANY, incomplete


def test_window_takes_what_remains_and_then_nothing_until_it_resets() -> None:
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=3))
    for _ in range(3):
        start(window)
    assert window.seconds_to_wait(0) == 10
    assert window.seconds_to_wait(9.5) == 0.5
    assert window.seconds_to_wait(10) == 0, "the window has reset"


def test_requests_in_flight_are_subtracted_from_a_report() -> None:
    """They may not have been counted when the response was sent."""
    window = RateWindow(reserve=0.0)
    first, *_ = (start(window) for _ in range(5))
    finish(window, first, reported(remaining=6), 0.1)
    assert available(window, 0.1) == 2


@pytest.mark.parametrize(
    ("reports", "expected"), [([7], 5), ([7, 9], 6), ([7, 9, 8], 7), ([9], 7), ([9, 7], 6)], ids=str
)
def test_lowest_remaining_wins_and_each_request_counts_once(reports: list[int], expected: int) -> None:
    """Three requests are in flight, and their responses may overtake each other."""
    window = RateWindow(reserve=0.0)
    numbers = [start(window) for _ in range(3)]
    for number, remaining in zip(numbers, reports, strict=False):
        finish(window, number, reported(remaining), 0.1)
    assert available(window, 0.1) == expected


@pytest.mark.parametrize(
    ("later_reports", "expected"), [([], 5), ([3], 3)], ids=["no later report", "report of a later request"]
)
def test_unreported_request_is_subtracted_until_a_later_one_is_reported(
    later_reports: list[int], expected: int
) -> None:
    """A request without a response may have been counted; the report of a request sent after it includes it."""
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=8))
    slow, lost = start(window), start(window)
    window.finish(lost, UNREPORTED, 0.1)
    finish(window, slow, reported(remaining=6), 0.2)
    for remaining in later_reports:
        send(window, reported(remaining), 0.3)
    assert available(window, 0.3) == expected


def test_report_includes_those_unreported_requests_that_had_ended_before_its_request_was_sent() -> None:
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=20))
    first, second, slow = start(window), start(window), start(window)
    window.finish(first, UNREPORTED, 0.1)
    after_first = start(window)
    window.finish(second, UNREPORTED, 0.2)
    finish(window, after_first, reported(remaining=17), 0.3)
    assert available(window, 0.3) == 15, "less the second and the slow one"
    window.finish(slow, UNREPORTED, 0.4)
    send(window, reported(remaining=14), 0.5)
    assert available(window, 0.5) == 14, "it includes both"


def test_requests_without_a_report_are_not_remembered_once_none_older_is_in_flight() -> None:
    """A server that reports nothing must not fill the memory."""
    window = RateWindow(reserve=0.0)
    for _ in range(1000):
        window.finish(start(window), UNREPORTED, 0.1)
    send(window, reported(remaining=8), 0.2)
    assert available(window, 0.2) == 8
    assert not window._unreported


def test_finish_says_when_those_who_wait_may_be_sent_earlier() -> None:
    """The response to an overtaken request shows that it was counted, so one request is added back."""
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=3))
    slow, fast = start(window), start(window)
    assert not finish(window, fast, reported(remaining=1), 0.1)
    assert available(window, 0.1) == 0, "the slow one may not be counted yet"
    assert finish(window, slow, reported(remaining=2), 0.2), "it was counted"
    assert available(window, 0.2) == 1


@pytest.mark.parametrize(("reserve", "expected"), [(0.0, 40), (0.25, 15), (0.4, 0), (0.9, 0)])
def test_reserve_is_left_to_other_apps(reserve: float, expected: int) -> None:
    window = RateWindow(reserve)
    send(window, reported(remaining=40))
    assert available(window) == expected


@pytest.mark.parametrize(("limit", "reserve", "expected"), [(100, 0.0, 100), (100, 0.9, 10), (5, 0.9, 1), (0, 0.0, 1)])
def test_next_window_is_assumed_to_take_the_limit_less_the_reserve(limit: int, reserve: float, expected: int) -> None:
    """At least one request, whatever was reported; otherwise nothing would ever be reported again."""
    window = RateWindow(reserve)
    send(window, reported(remaining=0, limit=limit))
    assert available(window, 9.9) == 0
    assert available(window, 10) == expected
    for _ in range(expected):
        start(window, 10)
    assert window.seconds_to_wait(10) == WINDOW_SECONDS
    assert available(window, 10 + WINDOW_SECONDS) == expected, "and so on, while nothing is reported"


def test_requests_in_flight_at_the_end_are_subtracted_from_the_next_window() -> None:
    """They may be counted in either window."""
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=50, limit=100))
    for _ in range(3):
        start(window)
    assert available(window, 10) == 97


def test_requests_that_hang_block_one_window_at_most() -> None:
    """They may have taken the only request of the next window, but not of the one after that."""
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=1, limit=1))
    start(window)
    assert window.seconds_to_wait(10) == WINDOW_SECONDS, "the request in flight may be counted in the next window"
    assert available(window, 20) == 1


def test_later_reset_starts_a_new_window() -> None:
    window = RateWindow(reserve=0.0)
    old, new = start(window), start(window)
    assert finish(window, old, reported(remaining=0), 1)
    assert finish(window, new, reported(remaining=60, reset_at=1020), 1)
    assert available(window, 1) == 60


def test_limit_that_changes_with_an_assumed_window_is_shared() -> None:
    """Others use half of it. Once a response has reported the new limit, this sink sends its share of that."""
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=5, limit=10))
    send(window, reported(remaining=980, limit=1000, server_time=1011, reset_at=1020), 11)
    sent, now = 0, 11.0
    while (now := now + window.shared.seconds_to_wait(now)) < 15:
        start(window, now)
        sent += 1
    assert sent > 100


@pytest.mark.parametrize("moments", [(0.9, 1.0), (1.0, 1.9)], ids=["later report is more exact", "earlier one is"])
def test_earliest_reported_end_is_kept(moments: tuple[float, float]) -> None:
    """At 0.9 it is 1000.9 on the server's clock, and `Date` says 1000; at 1.0 it is exact. The window ends at 10."""
    window = RateWindow(reserve=0.0)
    for remaining, now in zip((1, 0), moments, strict=True):
        send(window, reported(remaining, server_time=1000 + int(now)), now)
    assert now + window.seconds_to_wait(now) == pytest.approx(10)


@pytest.mark.parametrize(
    "late",
    [
        reported(remaining=0, reset_at=1000, server_time=999),
        reported(remaining=0, reset_at=1010, server_time=1009),
        reported(remaining=0, reset_at=1020, server_time=1020),
        reported(remaining=0, reset_at=1020, server_time=1030),
    ],
    ids=["an earlier window", "the window that has ended", "ended when the report arrives", "ended long before"],
)
def test_late_report_about_an_ended_window_is_ignored(late: Response) -> None:
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=1))
    slow = start(window)
    send(window, OK, now=10)
    if late.rate_limit.reset_at == 1000:
        send(window, reported(remaining=50, reset_at=1020, server_time=1010), now=10.5)
    assert not finish(window, slow, late, 11)
    assert available(window, 11) > 40


def test_server_clock_that_is_set_back_is_followed_in_the_next_window() -> None:
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=50))
    send(window, reported(remaining=7, reset_at=510, server_time=500), now=10)
    assert available(window, 10) == 7


def test_no_window_blocks_for_longer_than_the_maximum_delay() -> None:
    window = RateWindow(reserve=0.0)
    send(window, reported(remaining=0, reset_at=1e12))
    assert window.seconds_to_wait(0) == MAX_RATE_LIMIT_DELAY
    send(window, reported(remaining=0, reset_at=1e12), now=MAX_RATE_LIMIT_DELAY)
    assert available(window, MAX_RATE_LIMIT_DELAY) > 0


def test_under_a_microsecond_is_no_time_to_wait() -> None:
    """A sum of floats may never quite reach the moment that it should."""
    assert seconds_until(10.0, 10.0 - 5e-7) == 0
    assert seconds_until(10.0, 9.5) == 0.5
    assert seconds_until(10.0, 11.0) == 0
