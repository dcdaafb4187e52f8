"""The stream, over the ports in memory: inline at concurrency 1, in lanes on real threads above."""

import threading
from collections.abc import Callable

import pytest

from intercom_sink import (
    AttemptResult,
    BrokerUnavailable,
    DeadLetter,
    Delivery,
    Disposition,
    Event,
    IntercomRequest,
    IntercomSinkError,
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
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.diagnosis import GET_ME
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.domain.errors import TooFewThreads
from intercom_sink.domain.events import (
    AttemptFinished,
    Failed,
    HoldBegan,
    HoldContinues,
    HoldEnded,
    MessageMalformed,
    MessageRequeued,
    Paused,
    Stopped,
    Stopping,
)
from intercom_sink.domain.policy import PolicyOptions
from intercom_sink.domain.workers import WorkerThreads
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
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
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
    assert source.dead_letters == [(bad, DeadLetter(Reason.MALFORMED, detail="7999 bytes follow the message"))]
    assert source.acked == bodies(1)
    assert summary == {"malformed": 1, "delivered": 1}
    assert monitor.events_of(MessageMalformed) == [MessageMalformed(Envelope(), "7999 bytes follow the message", bad)]


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


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ZeroDivisionError("a bug, with data"), "ZeroDivisionError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit"),
        (BrokerUnavailable("no confirm"), "no confirm"),
        (IntercomSinkError("another of the package"), "another of the package"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("concurrency", [1, 3])
def test_every_exception_ends_the_stream_and_is_reported(concurrency: int, failure: BaseException, reason: str) -> None:
    """The text of a foreign exception may hold anything, so only its type is recorded."""

    class Broken(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
            raise failure

    source, gateway, monitor = InMemorySource(bodies(1)), Broken(), RecordingMonitor()
    with pytest.raises(type(failure)) as raised:
        Sink(source, gateway, SystemClock(), decode, monitor=monitor, concurrency=concurrency).run()
    assert raised.value is failure
    assert source.closed
    assert gateway.closed
    assert list(source.queue) == bodies(1)
    assert monitor.events_of(Failed) == [Failed(reason)]
    assert not monitor.events_of(Stopped)


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
    assert monitor.events_of(Stopping) == []


def test_stop_is_reported_before_the_end() -> None:
    source, monitor, clock = InMemorySource(bodies(1)), RecordingMonitor(), VirtualClock()
    sink = Sink(source, InMemoryGateway([Response(500)]), clock, decode, monitor=monitor)
    clock.at(0.1, sink.stop)
    sink.run()
    assert monitor.events[-3:] == [Stopping(), MessageRequeued(Envelope(), "POST", "/contacts/1", 1), Stopped({})]


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

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
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


def test_there_are_as_many_workers_as_requests_may_be_in_flight() -> None:
    made: list[int] = []

    def make_workers(count: int) -> WorkerThreads:
        made.append(count)
        return WorkerThreads(count)

    source = InMemorySource(bodies(1))
    Sink(source, InMemoryGateway(), SystemClock(), decode, concurrency=3, make_workers=make_workers).run()
    assert made == [3]


@pytest.mark.parametrize("failure", [BrokerUnavailable("no confirm"), ZeroDivisionError("a bug")], ids=repr)
def test_failure_in_a_lane_ends_the_stream_and_is_raised(failure: Exception) -> None:
    class Failing(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
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
    reason = "no confirm" if isinstance(failure, BrokerUnavailable) else "ZeroDivisionError"
    assert monitor.events_of(Failed) == [Failed(reason)]


def test_stop_finishes_the_attempts_in_flight_and_requeues_the_rest() -> None:
    source = InMemorySource(bodies(*range(50)), key_of)
    started = threading.Barrier(4)

    class StopDuringSend(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
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
    assert summary == {"malformed": 1, "access denied": 1}
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
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
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
    assert len(monitor.events_of(Paused)) == 1
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
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
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


def test_workers_that_can_not_be_started_end_the_sink_before_it_receives() -> None:
    def make_workers(count: int) -> WorkerThreads:
        raise TooFewThreads(2, count)

    source, gateway, monitor = InMemorySource(bodies(1)), InMemoryGateway(), RecordingMonitor()
    sink = Sink(source, gateway, SystemClock(), decode, monitor=monitor, concurrency=4, make_workers=make_workers)
    with pytest.raises(TooFewThreads, match="only 2 of 4 threads"):
        sink.run()
    assert (list(source.queue), source.closed, gateway.closed) == (bodies(1), True, True)
    (failed,) = monitor.events_of(Failed)
    assert "only 2 of 4 threads" in failed.reason


# Holds.

HOLD = PolicyOptions(hold=True, dead_letters=True)
NO_RESPONSE = NoResponse("connection reset")


class Intercom(InMemoryGateway):
    """Fails in the same way for every request, again and again, and each time until `GET /me` was sent so many times.

    Args:
        failure: what it responds while it fails.
        fails_before: the numbers of the messages before which it begins to fail, once each.
        questions: how many `GET /me` get that failure, too.
    """

    def __init__(self, failure: AttemptResult, fails_before: set[int], questions: int = 3) -> None:
        super().__init__()
        self.failure = failure
        self.during_me: Callable[[], None] = lambda: None
        self.questions = 0
        self._fails_before = {f"/contacts/{number}" for number in fails_before}
        self._max_questions = questions
        self._left = 0
        self._lock = threading.Lock()

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        if request == GET_ME:
            self.during_me()
        with self._lock:
            if request == GET_ME:
                self.questions += 1
                self._left -= 1
                return self.failure if self._left >= 0 else Response(200)
            self.requests.append(request)
            if request.path in self._fails_before:
                self._fails_before.remove(request.path)
                self._left = self._max_questions
            return self.failure if self._left > 0 else Response(200)


def at_once(delay: Delay) -> float:
    return 0.0


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (Response(401), HoldCause.TOKEN),
        (Response(403), HoldCause.TOKEN),
        (Response(503), HoldCause.INTERCOM),
        (NO_RESPONSE, HoldCause.INTERCOM),
    ],
    ids=str,
)
def test_holds_lose_nothing_and_keep_the_order(concurrency: int, failure: AttemptResult, cause: HoldCause) -> None:
    """Several in a row; every one of them makes every message return to the queue."""
    count = 60
    source = InMemorySource(bodies(*range(count)), key_of)
    gateway, monitor = Intercom(failure, fails_before={0, 7, 8, 30, 59}), RecordingMonitor()
    sink = Sink(
        source, gateway, SystemClock(), decode, monitor=monitor, draw=at_once, concurrency=concurrency, options=HOLD
    )
    assert sink.run() == {"delivered": count}
    assert source.dead_letters == []
    assert len(source.acked) == count
    for key in range(KEYS):
        of_key = bodies(*range(key, count, KEYS))
        assert [body for body in source.acked if body in of_key] == of_key
    if concurrency == 1:
        assert source.acked == bodies(*range(count))
    began, ended = monitor.events_of(HoldBegan), monitor.events_of(HoldEnded)
    assert len(began) == len(ended) >= 4, "two that begin together may be one"
    assert {event.cause for event in began} == {event.cause for event in ended} == {cause}
    assert monitor.events_of(HoldContinues) == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_every_message_is_in_the_queue_during_a_hold(concurrency: int) -> None:
    source = InMemorySource(bodies(*range(50)), key_of)
    gateway, monitor = Intercom(Response(401), fails_before={20}, questions=5), RecordingMonitor()
    in_memory: list[int] = []
    receiving = threading.current_thread()

    def count_those_in_memory() -> None:
        if (
            monitor.events_of(HoldBegan) and threading.current_thread() is receiving
        ):  # a lane may ask just before the hold
            in_memory.append(50 - len(source.queue) - len(source.acked))

    gateway.during_me = count_those_in_memory
    sink = Sink(
        source, gateway, SystemClock(), decode, monitor=monitor, draw=at_once, concurrency=concurrency, options=HOLD
    )
    assert sink.run() == {"delivered": 50}
    assert set(in_memory) == {0}


def test_hold_and_its_end_happen_in_order() -> None:
    source, clock, monitor = InMemorySource(bodies(1, 2, 3)), VirtualClock(), RecordingMonitor()
    gateway = Intercom(Response(401), fails_before={2})
    Sink(source, gateway, clock, decode, monitor=monitor, draw=lambda delay: delay.min, options=HOLD).run()
    assert [request.path for request in gateway.requests] == [f"/contacts/{number}" for number in (1, 2, 2, 3)]
    assert source.acked == bodies(1, 2, 3)
    assert clock.now == 1 + 2 + 4
    kinds = [type(event).__name__ for event in monitor.events]
    assert kinds == [
        "MessageReceived", "ProbeSent", "AttemptStarted", "AttemptFinished", "MessageDelivered",
        "MessageReceived", "AttemptStarted", "AttemptFinished", "HoldBegan", "MessageRequeued", "HoldEnded",
        *["MessageReceived", "AttemptStarted", "AttemptFinished", "MessageDelivered"] * 2, "Stopped",
    ]  # fmt: skip
    assert monitor.events_of(HoldEnded) == [HoldEnded(HoldCause.TOKEN, 7)]
    assert [event.attempt.state.possible_duplicate for event in monitor.events_of(AttemptFinished)] == [
        False, False, True, False,
    ]  # fmt: skip


def test_stop_during_a_hold_returns_at_once_and_everything_stays_in_the_queue() -> None:
    source, clock, monitor = InMemorySource(bodies(1, 2, 3)), VirtualClock(), RecordingMonitor()
    sink = Sink(
        source, Intercom(Response(401), fails_before={2}, questions=99), clock, decode, monitor=monitor, options=HOLD
    )
    clock.at(1000, sink.stop)
    assert sink.run() == {"delivered": 1}
    assert clock.now == 1000
    assert source.acked == bodies(1)
    assert list(source.queue) == bodies(2, 3)
    assert source.closed
    assert monitor.events_of(HoldEnded) == []
    assert monitor.events[-2:] == [Stopping(), Stopped({Disposition.DELIVERED: 1})]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_stop_from_another_thread_ends_a_hold_at_once(concurrency: int) -> None:
    """On the real clock, while it waits for a minute."""
    source, monitor = InMemorySource(bodies(*range(20)), key_of), Signalling(HoldBegan)
    sink = Sink(
        source,
        Intercom(Response(401), fails_before={3}, questions=99),
        SystemClock(),
        decode,
        monitor=monitor,
        draw=lambda delay: 60.0,
        concurrency=concurrency,
        options=HOLD,
    )
    thread = threading.Thread(target=sink.run, daemon=True)
    thread.start()
    assert monitor.happened.wait(MAX_WAIT)
    sink.stop()
    thread.join(MAX_WAIT)
    assert not thread.is_alive()
    assert sorted([*source.queue, *source.acked]) == sorted(bodies(*range(20)))
    assert bodies(3)[0] in source.queue
    assert source.dead_letters == []


def test_stop_during_the_question_of_a_hold_takes_no_further_message() -> None:
    """`GET /me` is in flight, and succeeds: the hold is over, and the sink ends."""
    source, clock = InMemorySource(bodies(1, 2)), VirtualClock()
    gateway = Intercom(Response(401), fails_before={1}, questions=1)
    sink = Sink(source, gateway, clock, decode, options=HOLD)

    def stop_at_the_last_question() -> None:
        if gateway.questions == 1:
            sink.stop()

    gateway.during_me = stop_at_the_last_question
    assert sink.run() == {}
    assert len(gateway.requests) == 1
    assert list(source.queue) == bodies(1, 2)


def test_lost_connection_during_a_hold_changes_nothing() -> None:
    source, clock = InMemorySource(bodies(1, 2)), VirtualClock()
    sink = Sink(source, Intercom(Response(503), fails_before={1}, questions=9), clock, decode, options=HOLD)
    clock.at(20, source.lose_connection)
    assert sink.run() == {"delivered": 2}
    assert source.acked == bodies(1, 2)


def test_failure_during_a_hold_ends_the_stream_and_everything_is_closed() -> None:
    source, monitor = InMemorySource(bodies(1)), RecordingMonitor()
    gateway = Intercom(Response(401), fails_before={1})

    def fail_at_the_second_question() -> None:
        if gateway.questions == 1:
            raise ZeroDivisionError("a bug")

    gateway.during_me = fail_at_the_second_question
    with pytest.raises(ZeroDivisionError):
        Sink(source, gateway, VirtualClock(), decode, monitor=monitor, options=HOLD).run()
    assert monitor.events_of(Failed) == [Failed("ZeroDivisionError")]
    assert list(source.queue) == bodies(1)
    assert source.closed
    assert gateway.closed


@pytest.mark.parametrize("concurrency", [1, 4])
def test_message_that_breaks_every_connection_does_not_stop_the_others(concurrency: int) -> None:
    class Poisoned(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
            result = super().send(request)
            return NO_RESPONSE if request.path == "/contacts/3" else result

    source, gateway, monitor = InMemorySource(bodies(*range(20)), key_of), Poisoned(), RecordingMonitor()
    sink = Sink(
        source, gateway, SystemClock(), decode, monitor=monitor, draw=at_once, concurrency=concurrency, options=HOLD
    )
    assert sink.run() == {"delivered": 19, "no response too often": 1}
    assert [(body, letter.reason) for body, letter in source.dead_letters] == [(bodies(3)[0], Reason.NO_RESPONSE)]
    assert [sent.path for sent in gateway.requests].count("/contacts/3") == 5
    assert gateway.requests.count(GET_ME) == 5
    assert monitor.events_of(HoldBegan) == []


def test_token_that_is_refused_gives_everything_up_with_hold_off() -> None:
    source, gateway = InMemorySource(bodies(1, 2, 3)), InMemoryGateway([Response(401)] * 3)
    assert Sink(source, gateway, VirtualClock(), decode).run() == {"access denied": 3}
    assert len(source.dead_letters) == 3
    assert GET_ME not in gateway.requests


@pytest.mark.parametrize("options", [PolicyOptions(), HOLD], ids=str)
def test_outage_of_days_costs_each_message_one_delivery(options: PolicyOptions) -> None:
    """With hold off after ten minutes, with hold on at once; then any response, or a good one, ends it."""
    end = 3 * 86_400.0
    clock, monitor = VirtualClock(), RecordingMonitor()
    received: list[bytes] = []

    class Counting(InMemorySource):
        def receive(self) -> Delivery | None:
            delivery = super().receive()
            if delivery is not None:
                received.append(delivery.body)
            return delivery

    class Down(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
            super().send(request)
            return NO_RESPONSE if clock.now < end else Response(200)

    source, gateway = Counting(bodies(1, 2, 3)), Down()
    assert Sink(source, gateway, clock, decode, monitor=monitor, options=options).run() == {"delivered": 3}
    assert received == bodies(1, 1, 2, 3)
    (began,), (ended,) = monitor.events_of(HoldBegan), monitor.events_of(HoldEnded)
    assert began.cause is ended.cause is (HoldCause.INTERCOM if options.hold else HoldCause.OUTAGE)
    assert end - 661 <= ended.seconds <= end + 60
    assert len(monitor.events_of(HoldContinues)) >= end / 360 - 3


def test_outage_with_hold_off_ends_with_any_response() -> None:
    """The messages are then judged by their own responses."""
    clock = VirtualClock()

    class Down(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
            super().send(request)
            return NO_RESPONSE if clock.now < 2000 else Response(401)

    source, gateway = InMemorySource(bodies(1, 2)), Down()
    assert Sink(source, gateway, clock, decode).run() == {"access denied": 2}
    assert 2000 <= clock.now <= 2061


def test_options_reach_the_policy() -> None:
    source = InMemorySource(bodies(1))
    options = PolicyOptions(dead_letters=True, dead_letter_not_found=True)
    summary = Sink(source, InMemoryGateway([Response(404)]), VirtualClock(), decode, options=options).run()
    assert summary == {"not found, dead-lettered": 1}
