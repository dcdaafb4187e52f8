"""The status page: self-contained, well formed, and without data."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from intercom_sink import Disposition, Event, NoResponse, Response
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.monitors.web.page import HEADERS, render
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.events import (
    ConnectionFailed,
    Consuming,
    DeadLettered,
    HoldBegan,
    Paused,
    Stopping,
)
from intercom_sink.testing import VirtualClock
from tests.support.events import DELIVERED
from tests.support.sink_events import attempt_with, deliver, finish, receive, send

SINCE = "for 3 s, since 1970-01-01 00:00:00 UTC"

VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Checks that every element is closed in order, and collects attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class Rig:
    """A monitor, its clock, and the page."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.monitor = StateMonitor(self.clock)
        self.monitor.record(Consuming("amqp://rabbit/", "intercom"))

    def page(self) -> str:
        return render(self.monitor.snapshot(), "1.2.3")

    def text(self) -> str:
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.page().partition("<main>")[2].partition("</main>")[0]))


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (None, f"streaming {SINCE}"),
        (Paused(PauseCause.RATE_LIMITED, 10, 10), f"paused {SINCE} the pause ends in 7 s, at 1970-01-01 00:00:10 UTC"),
        (Paused(PauseCause.RATE_LIMITED, 10, 10), "00:00:10 UTC cause: rate limited"),
        (
            Paused(PauseCause.RATE_LIMITED, 1, 1),
            "the pause ended at 1970-01-01 00:00:01 UTC; a probe tests whether Intercom takes requests cause",
        ),
        (
            Paused(PauseCause.WINDOW_EXHAUSTED, 1, 1),
            "the pause ended at 1970-01-01 00:00:01 UTC; the next request ends this state cause",
        ),
        (HoldBegan(HoldCause.TOKEN, DELIVERED), f"holding {SINCE} cause: the token is refused"),
        (ConnectionFailed("amqp://rabbit/", "refused"), f"reconnecting {SINCE} cause: refused"),
        (Stopping(), f"stopping {SINCE}"),
    ],
)
def test_each_state_says_since_when_until_when_and_why(rig: Rig, event: Event | None, expected: str) -> None:
    receive(rig.monitor)
    if event is not None:
        rig.monitor.record(event)
    rig.clock.now = 3
    assert expected in rig.text()
    Outline(rig.page())


def test_it_shows_what_waits_what_was_lost_and_what_failed(rig: Rig) -> None:
    deliver(rig.monitor)
    rejected = Response(422, error_codes=("parameter_invalid",))
    finish(rig.monitor, attempt_with(send(rig.monitor), rejected, Disposition.REJECTED, path="/contacts/7?x=y"))
    finish(rig.monitor, attempt_with(send(rig.monitor), NoResponse("connection reset"), Disposition.NO_RESPONSE))
    rig.monitor.record(DeadLettered("dead", Reason.REJECTED))
    rig.clock.now = 1
    text = rig.text()
    for shown in (
        "waiting messages 1 retry", "next retry in 4 s", "delivered 1", "last success 1 s ago", "rejected 1",
        "rejected 422 parameter_invalid POST /contacts/7 ", "no response connection reset POST /contacts",
        "Messages a minute settled 2 · retried 1 · given up 1",
    ):  # fmt: skip
        assert shown in text
    assert "x=y" not in text


def test_retries_for_the_same_cause_are_one_line(rig: Rig) -> None:
    for _ in range(3):
        finish(rig.monitor, attempt_with(send(rig.monitor), NoResponse("connection reset"), Disposition.NO_RESPONSE))
    assert rig.text().count("connection reset") == 1
    assert "no response, 3 times connection reset POST /contacts" in rig.text()


def test_it_fetches_itself_wherever_a_proxy_has_put_it(rig: Rig) -> None:
    assert "fetch(location.href," in rig.page()


def test_it_needs_nothing_from_elsewhere(rig: Rig) -> None:
    """No attribute that loads anything, no inline style or handler: the policy would forbid them."""
    for tag, name, value in Outline(rig.page()).attributes:
        assert name not in ("src", "href", "style", "srcset", "action"), (tag, value)
        assert not name.startswith("on"), (tag, name)
    assert not re.search(r"url\(|@import|//", rig.page())


@pytest.mark.parametrize("element", ["style", "script"])
def test_the_policy_allows_its_own_style_and_script_and_no_other(rig: Rig, element: str) -> None:
    (content,) = re.findall(rf"<{element}>(.*?)</{element}>", rig.page(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    policy = HEADERS["Content-Security-Policy"]
    assert f"{element}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_what_comes_from_outside_is_escaped(rig: Rig) -> None:
    rig.monitor.record(Consuming("amqp://rabbit/", "<script>queue"))
    bad = Response(422, error_codes=("<script>code",))
    finish(rig.monitor, attempt_with(send(rig.monitor), bad, Disposition.REJECTED, path="/<script>path"))
    finish(rig.monitor, attempt_with(send(rig.monitor), NoResponse("<script>why"), Disposition.NO_RESPONSE))
    assert rig.page().count("<script>") == 1
    assert rig.page().count("&lt;script&gt;") == 4
    assert "/REDACTED" in rig.page()


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 s"), (61, "1 min 1 s"), (3 * 3600 + 120, "3 h 2 min"), (90_000, "1 d 1 h")]
)
def test_durations_have_their_two_largest_units(rig: Rig, seconds: float, text: str) -> None:
    rig.clock.now = seconds
    assert f"running for {text} " in rig.text()


def test_it_follows_the_reader_in_light_and_dark_and_on_a_phone(rig: Rig) -> None:
    assert "prefers-color-scheme:dark" in rig.page()
    assert 'content="width=device-width,initial-scale=1"' in rig.page()
