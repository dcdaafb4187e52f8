"""The stream, over the ports in memory: inline at concurrency 1, in lanes on real threads above."""

import threading

import pytest

from intercom_sink import (
    AttemptResult,
    BrokerUnavailable,
    DeadLetter,
    Delivery,
    Disposition,
    Event,
    IntercomRequest,
    NoResponse,
    RateLimit,
    Reason,
    Response,
    Sink,
    SystemClock,
    decode,
    encode,
)
from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.events import Failed, MessageMalformed, MessageRequeued, Paused, Stopped, Stopping
from intercom_sink.domain.sink import draw_uniform
from intercom_sink.testing import InMemoryGateway, InMemorySource, RecordingMonitor, VirtualClock

MAX_WAIT = 10.0
"""Seconds in which a thread must have done its part; nothing here waits for so long otherwise."""

KEYS = 8
MALFORMED = b"\xc1"


def request(number: int) -> IntercomRequest:
    return IntercomRequest("POST", f"/contacts/{number}", {"number": number})


def bodies(*numbers: int) -> list[bytes]:
    return [encode(request(number)) for number in numbers]


def key_of_request(request: IntercomRequest) -> str:
    return f"key {int(request.path.rpartition('/')[2]) % KEYS}"


def key_of(body: bytes) -> str:
    return key_of_request(decode(body))


class UnavailableSource(InMemorySource):
    """A source whose broker can't be reached."""

    def receive(self) -> Delivery | None:
        raise BrokerUnavailable("gone")


# At concurrency 1.


def test_messages_are_sent_in_order_each_removed_before_the_next() -> None:
    source = InMemorySource(bodies(1, 2, 3))

    class Watching(InMemoryGateway):
        def send(self, request: IntercomRequest) -> AttemptResult:
            sent_before = {sent.path for sent in self.requests} - {request.path}
            assert len(source.acked) + len(source.dead_letters) == len(sent_before)
            return super().send(request)

    gateway = Watching([Response(200), NoResponse("x"), Response(500), Response(500), Response(404)])
    summary = Sink(source, gateway, VirtualClock(), decode).run()
    assert [sent.path for sent in gateway.requests] == [f"/contacts/{number}" for number in (1, 2, 2, 2, 3)]
    assert source.acked == bodies(1, 3)
    assert [body for body, _ in source.dead_letters] == bodies(2)
    assert summary == {"delivered": 1, "repeated server error": 1, "not found": 1}


def test_malformed_message_is_given_up_and_never_sent() -> None:
    bad = b"\x00\xffsecret" * 1000
    source, gateway, monitor = InMemorySource([bad, *bodies(1)]), InMemoryGateway(), RecordingMonitor()
    summary = Sink(source, gateway, VirtualClock(), decode, monitor=monitor).run()
    assert gateway.requests == [request(1)]
    assert source.dead_letters == [(bad, DeadLetter(Reason.MALFORMED))]
    assert source.acked == bodies(1)
    assert summary == {"malformed": 1, "delivered": 1}
    assert monitor.of(MessageMalformed) == [MessageMalformed("7999 bytes follow the message", bad)]


def test_stop_during_a_pause_requeues_the_message_and_those_behind_it() -> None:
    source, clock = InMemorySource(bodies(1, 2, 3)), VirtualClock()
    gateway = InMemoryGateway([Response(200), Response(429)])
    sink = Sink(source, gateway, clock, decode)
    clock.at(2, sink.stop)
    summary = sink.run()
    assert clock.now == 2
    assert summary == {"delivered": 1}
    assert source.acked == bodies(1)
    assert list(source.queue) == bodies(2, 3)
    assert source.closed
    assert gateway.closed


def test_connection_lost_during_a_pause_has_the_message_redelivered() -> None:
    source, clock = InMemorySource(bodies(1, 2)), VirtualClock()
    gateway = InMemoryGateway([Response(429)])
    clock.at(2, source.lose_connection)
    summary = Sink(source, gateway, clock, decode).run()
    assert [sent.path for sent in gateway.requests] == ["/contacts/1", "/contacts/1", "/contacts/2"]
    assert source.acked == bodies(1, 2)
    assert summary == {"delivered": 2}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_unavailable_broker_ends_the_stream_and_everything_is_closed(concurrency: int) -> None:
    source, gateway, monitor = UnavailableSource(), InMemoryGateway(), RecordingMonitor()
    sink = Sink(source, gateway, SystemClock(), decode, monitor=monitor, concurrency=concurrency)
    with pytest.raises(BrokerUnavailable, match="gone"):
        sink.run()
    assert source.closed
    assert gateway.closed
    assert monitor.events == [Failed("gone")]


def test_bug_ends_the_stream_and_everything_is_closed() -> None:
    class Broken(InMemoryGateway):
        def send(self, request: IntercomRequest) -> AttemptResult:
            raise ZeroDivisionError("a bug")

    source, gateway, monitor = InMemorySource(bodies(1)), Broken(), RecordingMonitor()
    with pytest.raises(ZeroDivisionError, match="a bug"):
        Sink(source, gateway, VirtualClock(), decode, monitor=monitor).run()
    assert source.closed
    assert gateway.closed
    assert list(source.queue) == bodies(1)
    assert not monitor.of(Failed)
    assert not monitor.of(Stopped)


def test_keys_are_ignored_at_concurrency_1() -> None:
    source = InMemorySource(bodies(*range(20)), key_of)
    Sink(source, InMemoryGateway(), VirtualClock(), decode).run()
    assert source.acked == bodies(*range(20))


def test_end_of_the_stream_is_reported_with_its_summary() -> None:
    monitor = RecordingMonitor()
    source = InMemorySource([MALFORMED, *bodies(1, 2)])
    summary = Sink(source, InMemoryGateway(), VirtualClock(), decode, monitor=monitor).run()
    assert summary == {Disposition.MALFORMED: 1, Disposition.DELIVERED: 2}
    assert monitor.events[-1] == Stopped(summary)
    assert monitor.of(Stopping) == []


def test_stop_is_reported_before_the_end() -> None:
    source, monitor, clock = InMemorySource(bodies(1)), RecordingMonitor(), VirtualClock()
    sink = Sink(source, InMemoryGateway([Response(500)]), clock, decode, monitor=monitor)
    clock.at(0.1, sink.stop)
    sink.run()
    assert monitor.events[-3:] == [Stopping(), MessageRequeued("POST", "/contacts/1", 1), Stopped({})]


def test_delays_are_drawn_uniformly_from_their_range() -> None:
    drawn = [draw_uniform(Delay(2, 3)) for _ in range(1000)]
    assert 2 <= min(drawn) < 2.1
    assert 2.9 < max(drawn) <= 3


# In lanes.


class Watching(InMemoryGateway):
    """Notes how many requests are in flight at once; keeps them open until there are as many as there can be."""

    def __init__(self, concurrency: int) -> None:
        super().__init__()
        self.max_in_flight = 0
        self._concurrency = concurrency
        self._in_flight: list[str] = []
        self._lock = threading.Lock()
        self._full = threading.Event()

    def send(self, request: IntercomRequest) -> AttemptResult:
        key = key_of_request(request)
        with self._lock:
            assert key not in self._in_flight, "one at a time of each key"
            self._in_flight.append(key)
            self.max_in_flight = max(self.max_in_flight, len(self._in_flight))
            is_probe = not self.requests
        if self.max_in_flight == self._concurrency:
            self._full.set()
        elif not is_probe:  # the others wait for its response
            assert self._full.wait(MAX_WAIT)
        with self._lock:
            self._in_flight.remove(key)
        return super().send(request)


def test_lanes_send_side_by_side_and_keep_the_order_of_each_key() -> None:
    source, gateway = InMemorySource(bodies(*range(161)), key_of), Watching(4)
    summary = Sink(source, gateway, SystemClock(), decode, concurrency=4).run()
    assert summary == {"delivered": 161}
    assert gateway.max_in_flight == 4
    for key in range(KEYS):
        of_key = bodies(*range(key, 161, KEYS))
        assert [body for body in source.acked if body in of_key] == of_key


@pytest.mark.parametrize("failure", [BrokerUnavailable("no confirm"), ZeroDivisionError("a bug")], ids=repr)
def test_failure_in_a_lane_ends_the_stream_and_is_raised(failure: Exception) -> None:
    class Failing(InMemoryGateway):
        def send(self, request: IntercomRequest) -> AttemptResult:
            if request.path == "/contacts/9":
                raise failure
            return super().send(request)

    source, gateway, monitor = InMemorySource(bodies(*range(50)), key_of), Failing(), RecordingMonitor()
    with pytest.raises(type(failure), match=str(failure)):
        Sink(source, gateway, SystemClock(), decode, concurrency=4, monitor=monitor).run()
    assert source.closed
    assert gateway.closed
    assert bodies(9)[0] in source.queue
    assert sorted([*source.queue, *source.acked]) == sorted(bodies(*range(50)))
    assert monitor.of(Failed) == ([Failed("no confirm")] if isinstance(failure, BrokerUnavailable) else [])


def test_stop_finishes_the_attempts_in_flight_and_requeues_the_rest() -> None:
    source = InMemorySource(bodies(*range(50)), key_of)
    started = threading.Barrier(4)

    class StopDuringSend(InMemoryGateway):
        def send(self, request: IntercomRequest) -> AttemptResult:
            if self.requests:  # the first is the probe, and sent alone
                started.wait(MAX_WAIT)
                sink.stop()
            return super().send(request)

    gateway = StopDuringSend()
    sink = Sink(source, gateway, SystemClock(), decode, concurrency=4)
    assert sink.run() == {"delivered": 5}
    assert len(gateway.requests) == len(source.acked) == 5
    assert len(source.queue) == 45


def test_malformed_messages_are_given_up_in_lanes_too() -> None:
    source = InMemorySource([MALFORMED, *bodies(1)], lambda _: None)
    summary = Sink(source, InMemoryGateway([Response(401)]), SystemClock(), decode, concurrency=2).run()
    assert summary == {"malformed": 1, "rejected": 1}
    assert [dead_letter.reason for _, dead_letter in source.dead_letters] == [Reason.MALFORMED, Reason.REJECTED]


class Signalling(RecordingMonitor):
    """Sets `happened` at each event of one class."""

    def __init__(self, kind: type[Event]) -> None:
        super().__init__()
        self.happened = threading.Event()
        self._kind = kind

    def record(self, event: Event) -> None:
        super().record(event)
        if isinstance(event, self._kind):
            self.happened.set()


@pytest.mark.parametrize("concurrency", [1, 3])
def test_lost_connection_and_stop_wake_the_threads_that_wait(concurrency: int) -> None:
    """On the real clock, during a pause of a minute."""
    source, monitor = InMemorySource(bodies(1, 2, 3), key_of), Signalling(MessageRequeued)
    paused = threading.Event()

    class Pausing(InMemoryGateway):
        def send(self, request: IntercomRequest) -> AttemptResult:
            super().send(request)
            paused.set()
            return Response(429, RateLimit(server_time=0, reset_at=60))

    sink = Sink(source, Pausing(), SystemClock(), decode, monitor=monitor, concurrency=concurrency)
    thread = threading.Thread(target=sink.run, daemon=True)
    thread.start()
    assert paused.wait(MAX_WAIT)
    source.lose_connection()
    assert monitor.happened.wait(MAX_WAIT), "its wait has ended"
    sink.stop()
    thread.join(MAX_WAIT)
    assert not thread.is_alive()
    assert len(monitor.of(Paused)) == 1
    assert source.acked == []


def test_unavailable_broker_ends_the_pauses_of_every_lane() -> None:
    """On the real clock: the first message is retried after a minute, unless the stream ends."""
    paused = threading.Event()

    class Failing(InMemorySource):
        def receive(self) -> Delivery | None:
            if self.queue:
                return super().receive()
            assert paused.wait(MAX_WAIT)
            raise BrokerUnavailable("gone")

    class Pausing(InMemoryGateway):
        def send(self, request: IntercomRequest) -> AttemptResult:
            paused.set()
            return Response(429, RateLimit(server_time=0, reset_at=60))

    source = Failing(bodies(1, 2, 3), key_of)
    failures: list[BrokerUnavailable] = []

    def run() -> None:
        try:
            Sink(source, Pausing(), SystemClock(), decode, concurrency=3).run()
        except BrokerUnavailable as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MAX_WAIT)
    assert not thread.is_alive()
    assert [str(failure) for failure in failures] == ["gone"]
    assert source.acked == []
