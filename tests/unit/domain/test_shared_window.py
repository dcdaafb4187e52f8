"""When a sink sends its share of a window that others may use too."""

import math
import re
from copy import deepcopy
from itertools import pairwise

import pytest

from intercom_sink.domain import shared_window
from intercom_sink.domain.shared_window import END_MARGIN_ALONE, END_MARGIN_SHARED, MIN_SHARE, SharedWindow
from tests.support import worked_timeline

LIMIT = 80
END = 10.0


def send(window: SharedWindow, count: int, now: float) -> None:
    """Sends requests that must be due."""
    for _ in range(count):
        assert window.seconds_to_wait(now) == 0
        window.start(now)


def due(window: SharedWindow, now: float) -> int:
    """How many requests may be sent now."""
    trial = deepcopy(window)
    count = 0
    while trial.seconds_to_wait(now) == 0:
        trial.start(now)
        count += 1
    return count


def after_a_window(own: int, others: int, limit: int = LIMIT) -> SharedWindow:
    """A window that begins at 0, after one in which so many requests were sent."""
    window = SharedWindow()
    window.begin(limit, 0.0, -10.0)
    for _ in range(own):
        window.start(-9.0)
    window.report(limit - own - others, others, 0.0, -5.0)
    window.begin(limit, END, 0.0)
    return window


def alone(limit: int = LIMIT) -> SharedWindow:
    """The first window, which begins at 0, of a sink that has seen no others."""
    window = SharedWindow()
    window.begin(limit, END, 0.0)
    return window


def spread(window: SharedWindow, limit: int) -> list[float]:
    """When requests are sent if each is sent as soon as it is due and responded to at once, and others send none."""
    moments: list[float] = []
    now = 0.0
    while now < END and len(moments) < limit:
        seconds = window.seconds_to_wait(now)
        now += seconds
        if seconds == 0:
            window.start(now)
            moments.append(now)
            window.report(limit - len(moments), 0, END, now)
    return moments


def test_worked_timeline_is_what_happens() -> None:
    """Replays the timeline of the module's docstring, row by row, and compares what is due."""
    window = after_a_window(own=40, others=40)
    rows = worked_timeline.rows(shared_window)
    counts = []
    for now, event, _ in rows:
        numbers = [int(number) for number in re.findall(r"\d+", event)]
        match event.split():
            case ["a", "response:", *_]:
                window.report(*numbers, END, now)  # type: ignore[call-arg] # remaining, others
            case [*_, "is" | "are", "sent"]:
                send(window, *numbers, now)  # type: ignore[call-arg]
            case _:
                assert event in ("the window begins", "nothing happened")
        counts.append(due(window, now))
    assert counts == [int(state.split()[0]) for _, _, state in rows]
    assert len(rows) == 12


def test_nothing_waits_before_a_window_is_known() -> None:
    window = SharedWindow()
    send(window, 1000, 5.0)


@pytest.mark.parametrize(("limit", "at_once"), [(1, 1), (8, 8), (80, 75), (1600, 1500)])
def test_sink_that_is_alone_sends_all_but_a_sixteenth_at_once(limit: int, at_once: int) -> None:
    assert due(alone(limit), 0.0) == at_once


@pytest.mark.parametrize("limit", [1, 2, 9, 20, 80, 300, 1666])
def test_sink_that_is_alone_uses_the_whole_window(limit: int) -> None:
    """To the last request, and so long before the reported end that it reaches Intercom before the real one."""
    moments = spread(alone(limit), limit)
    assert len(moments) == limit
    assert moments[-1] <= END - END_MARGIN_ALONE + 1e-6


def test_sink_that_is_alone_never_waits_while_more_than_a_sixteenth_remains() -> None:
    """Even if it had nothing to send for a while."""
    window = alone()
    send(window, 1, 0.0)
    send(window, 1, 8.0)
    window.report(78, 0, END, 8.1)
    assert due(window, 8.1) == 73


@pytest.mark.parametrize(("own", "at_once"), [(40, 14), (20, 10), (0, 4)])
def test_raised_share_of_a_quarter_is_sent_at_the_beginning_of_a_shared_window(own: int, at_once: int) -> None:
    assert due(after_a_window(own, 80 - own), 0.0) == at_once


def test_others_that_appear_end_the_head_of_a_sink_that_was_alone() -> None:
    window = alone()
    send(window, 10, 0.0)
    assert due(window, 0.0) == 65
    window.report(40, 30, END, 0.1)
    assert due(window, 0.1) == 2


def test_others_that_have_gone_are_forgotten() -> None:
    """After some windows in which they sent nothing, the sink is alone."""
    window = after_a_window(own=40, others=40)
    assert due(window, 0.0) == 14
    for _ in range(5):
        window.begin(LIMIT, END, 0.0)
    assert due(window, 0.0) >= 70


def test_share_of_what_remains_is_spread_until_the_end() -> None:
    """The head at once, then one after another until the end; none waits for long."""
    moments = spread(after_a_window(own=40, others=40), LIMIT)
    assert moments[13] < 0.1 < moments[20]
    assert END - 1 < moments[-1] <= END - END_MARGIN_SHARED
    assert max(later - earlier for earlier, later in pairwise(moments)) < 0.6


def test_smaller_share_is_due_earlier() -> None:
    """So it grows: of two plans for 10 requests, the one of the sink with the smaller share sends more by half time."""
    sent = []
    for own, remaining in ((20, 40), (40, 20)):
        window = after_a_window(own, 80 - own)
        send(window, due(window, 0.0), 0.0)
        window.report(remaining, own, END, 0.0)
        moments = []
        now = 0.0
        while (now := now + window.seconds_to_wait(now)) < 5:
            window.start(now)
            moments.append(now)
        sent.append(len(moments))
    assert sent[0] > sent[1]


def test_sink_that_has_sent_nothing_has_the_smallest_share() -> None:
    window = after_a_window(own=0, others=320, limit=320)
    assert due(window, 0.0) == int(320 / 4 * math.sqrt(MIN_SHARE)), "raised as every share is at the beginning"


def test_request_waits_for_the_next_window_if_the_plan_has_less_than_one() -> None:
    window = after_a_window(own=10, others=70)
    send(window, due(window, 0.0), 0.0)
    window.report(0, 70, END, 6.0)
    send(window, due(window, 6.0), 6.0)
    assert window.seconds_to_wait(6.0) == END - 6.0
    window.begin(LIMIT, END + 10, END)
    assert window.seconds_to_wait(END) == 0


def test_while_there_is_nothing_to_send_little_credit_is_kept() -> None:
    window = after_a_window(own=40, others=40)
    assert due(window, 0.0) == 14
    assert due(window, 6.0) == 3


def test_room_is_left_for_a_burst_until_others_have_sent_what_was_expected() -> None:
    window = after_a_window(own=40, others=40)
    send(window, due(window, 0.0), 0.0)
    window.report(60, 10, END, 0.1)
    window.report(40, 30, END, 0.2)
    window.report(12, 30, END, 9.0)
    assert window.seconds_to_wait(9.0) == 0
    window.start(9.0)
    assert window.seconds_to_wait(9.0) == pytest.approx(1.0), "the others may still send 10"
    window.report(12, 40, END, 9.1)
    assert window.seconds_to_wait(9.1) < 0.5, "they have sent them"


def test_report_says_whether_the_next_request_is_due_earlier() -> None:
    window = after_a_window(own=40, others=40)
    send(window, due(window, 0.0), 0.0)
    assert not window.report(50, 20, END, 0.1)
    window.start(0.1)
    window.start(0.1)
    assert window.report(70, 20, END, 0.1)


def test_all_of_the_plan_is_due_once_it_has_ended() -> None:
    window = after_a_window(own=40, others=40)
    send(window, due(window, 0.0), 0.0)
    window.report(4, 66, END, 5.0)
    send(window, due(window, 5.0), 5.0)
    assert 0 < window.seconds_to_wait(5.0) < 4.8
    assert window.seconds_to_wait(END - END_MARGIN_SHARED) == 0
    window.start(END - END_MARGIN_SHARED)
    assert window.seconds_to_wait(END - END_MARGIN_SHARED) == pytest.approx(END_MARGIN_SHARED), (
        "until the next window begins"
    )
    assert window.seconds_to_wait(END + 1) == 0, "which begins once somebody asks"
