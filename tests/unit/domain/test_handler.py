"""One message: acquire a permit, send, decide, wait, until it is acked or given up."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intercom_sink import (
    AttemptResult,
    BrokerUnavailable,
    DeadLetter,
    Delivery,
    Disposition,
    Event,
    IntercomRequest,
    MalformedMessage,
    NoResponse,
    RateLimit,
    Reason,
    Response,
)
from intercom_sink.domain.events import (
    AttemptFinished,
    MessageDelivered,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageRequeued,
    PauseCause,
    Paused,
    RetryScheduled,
)
from intercom_sink.domain.handler import Handler
from intercom_sink.domain.rate_limit import retry_delay
from intercom_sink.domain.rate_limiter import RateLimiter
from intercom_sink.testing import InMemoryGateway, InMemorySource, RecordingMonitor, VirtualClock
from tests.support.strategies import results

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
BODY = b"the message"
NO_RESPONSE = NoResponse("connection reset")


class ScriptedGateway(InMemoryGateway):
    """An Intercom that notes when each attempt was made, and during which something may happen."""

    def __init__(self, script: tuple[AttemptResult, ...], clock: VirtualClock) -> None:
        super().__init__(script)
        self.sent_at: list[float] = []
        self.during: Callable[[], None] = lambda: None
        self._clock = clock

    def send(self, request: IntercomRequest) -> AttemptResult:
        self.sent_at.append(self._clock.now)
        self.during()
        return super().send(request)


class Scene:
    """One message, and an Intercom that responds by a script."""

    def __init__(self, *script: AttemptResult) -> None:
        self.source = InMemorySource([BODY])
        self.clock = VirtualClock()
        self.gateway = ScriptedGateway(script, self.clock)
        self.monitor = RecordingMonitor()
        self.stopping = False
        self.delivery = self.receive()
        self.limiter_monitor = RecordingMonitor()
        self.limiter = RateLimiter(self.clock, self.limiter_monitor)
        self.handler = Handler(
            decode=self.decode,
            gateway=self.gateway,
            limiter=self.limiter,
            clock=self.clock,
            monitor=self.monitor,
            draw=lambda delay: delay.min,
            stopping=lambda: self.stopping,
        )

    def decode(self, body: bytes) -> IntercomRequest:
        assert body == BODY
        return REQUEST

    def receive(self) -> Delivery:
        delivery = self.source.receive()
        assert delivery is not None
        return delivery

    def handle(self) -> Disposition | None:
        return self.handler.handle(self.delivery)

    def stop(self) -> None:
        self.stopping = True

    @property
    def acked(self) -> bool:
        return self.source.acked == [BODY]

    @property
    def removed(self) -> list[bytes]:
        """What was taken off the queue, by whichever way."""
        return self.source.acked + [body for body, _ in self.source.dead_letters]

    @property
    def kinds_of_events(self) -> list[type[Event]]:
        return [type(event) for event in self.monitor.events]


class MalformedScene(Scene):
    """One message that is no request."""

    def decode(self, body: bytes) -> IntercomRequest:
        raise MalformedMessage("not a map but list")


# What becomes of a message.


@pytest.mark.parametrize(
    ("script", "disposition", "waits"),
    [
        ([Response(200)], Disposition.DELIVERED, []),
        ([Response(404)], Disposition.NOT_FOUND, []),
        ([Response(401)], Disposition.REJECTED, []),
        ([Response(500), Response(200)], Disposition.DELIVERED, [0.5]),
        ([Response(500), Response(500)], Disposition.REPEATED_SERVER_ERROR, [0.5]),
        ([Response(429, RateLimit(0, 7)), Response(200)], Disposition.DELIVERED, [7]),
        ([NO_RESPONSE, NO_RESPONSE, NO_RESPONSE, Response(200)], Disposition.DELIVERED, [0.5, 1, 2]),
        ([Response(500), NO_RESPONSE, Response(500), Response(429), Response(500), Response(200)],
         Disposition.DELIVERED, [0.5, 0.5, 0.5, 10, 0.5]),
    ],
)  # fmt: skip
def test_message_is_retried_until_it_can_be_removed(
    script: list[AttemptResult], disposition: Disposition, waits: list[float]
) -> None:
    scene = Scene(*script)
    assert scene.handle() is disposition
    assert scene.acked is (disposition in (Disposition.DELIVERED, Disposition.NOT_FOUND))
    assert scene.removed == [BODY]
    assert scene.gateway.requests == [REQUEST] * len(script)
    assert scene.clock.waits == waits


def test_ack_follows_the_last_response() -> None:
    scene = Scene(NO_RESPONSE, Response(500), Response(429), Response(500), Response(200))
    acked_during_an_attempt: list[bool] = []
    scene.gateway.during = lambda: acked_during_an_attempt.append(scene.acked)
    scene.handle()
    assert acked_during_an_attempt == [False] * 5
    assert scene.acked


def attempts_needed(script: list[AttemptResult]) -> int:
    """How many attempts the README's table asks for, where 200 follows the script."""
    last_was_server_error = False
    for number, result in enumerate(script, start=1):
        status = result.status if isinstance(result, Response) else None
        is_server_error = status is not None and status >= 500
        may_be_retried = status is None or status == 429 or (is_server_error and not last_was_server_error)
        if not may_be_retried:
            return number
        last_was_server_error = is_server_error
    return len(script) + 1


def min_delays(script: list[AttemptResult]) -> list[float]:
    """Seconds that must pass after each of these results, at least, before the next attempt."""
    delays, failures = [], 0
    for result in script:
        failures = 0 if isinstance(result, Response) else failures + 1
        if isinstance(result, NoResponse):
            delays.append(min(0.5 * 2 ** (failures - 1), 30.0))
        else:
            delays.append(retry_delay(result.rate_limit) if result.status == 429 else 0.5)
    return delays


@given(st.lists(results, max_size=20))
@example([Response(429, RateLimit(0.0, 0.0, None, 0, 0)), Response(500)])
def test_every_message_is_removed_once_after_as_many_attempts_as_promised(script: list[AttemptResult]) -> None:
    """Between two attempts at least the policy's delay passes; the rate window may make it longer, up to a bound.

    How often the clock is asked to wait is not promised: in the example the reported window is exhausted, so that the
    last attempt waits for the next window after its own delay is over.
    """
    scene = Scene(*script)
    assert scene.handle() is not None
    assert scene.removed == [BODY]
    attempts = attempts_needed(script)
    assert scene.gateway.requests == [REQUEST] * attempts
    gaps = [later - earlier for earlier, later in zip(scene.gateway.sent_at, scene.gateway.sent_at[1:], strict=False)]
    for gap, delay in zip(gaps, min_delays(script[: attempts - 1]), strict=True):
        assert delay - 1e-6 <= gap <= 61 + 1e-6
    assert all(seconds > 0 for seconds in scene.clock.waits)


@pytest.mark.parametrize(
    ("result", "causes"),
    [
        (Response(500), []),
        (Response(429), [PauseCause.RATE_LIMITED]),
        (NO_RESPONSE, [PauseCause.NO_RESPONSE]),
    ],
    ids=str,
)
def test_retry_pauses_other_messages_only_if_the_cause_is_intercom(
    result: AttemptResult, causes: list[PauseCause]
) -> None:
    scene = Scene(result)
    scene.handle()
    assert [event.cause for event in scene.limiter_monitor.of(Paused)] == causes


# Stops and lost connections.


@pytest.mark.parametrize("first", [Response(429, RateLimit(0, 60)), Response(500), NO_RESPONSE], ids=str)
@pytest.mark.parametrize("cause", ["stop", "lost connection"])
def test_wait_for_a_retry_ends_at_once(cause: str, first: AttemptResult) -> None:
    scene = Scene(first)
    causes: dict[str, Callable[[], None]] = {"stop": scene.stop, "lost connection": scene.source.lose_connection}
    scene.clock.at(0.25, causes[cause])
    assert scene.handle() is None
    assert scene.clock.now == 0.25
    assert len(scene.gateway.requests) == 1
    assert scene.removed == []
    assert scene.monitor.events[-1] == MessageRequeued("POST", "/contacts", attempts=1)


def test_message_that_was_never_sent_is_not_reported_as_requeued() -> None:
    """It waited for the end of a pause that another message caused."""
    scene = Scene()
    permit = scene.limiter.acquire(lambda: False)
    assert permit is not None
    scene.limiter.release(permit, NO_RESPONSE, pause=5.0)
    scene.clock.at(2, scene.stop)
    assert scene.handle() is None
    assert scene.clock.now == 2
    assert scene.gateway.requests == []
    assert scene.monitor.events == []


def test_attempt_in_flight_at_a_stop_is_finished_and_acked() -> None:
    scene = Scene(Response(200))
    scene.gateway.during = scene.stop
    assert scene.handle() is Disposition.DELIVERED
    assert scene.acked


@pytest.mark.parametrize("result", [Response(200), Response(401), Response(429), NO_RESPONSE], ids=str)
def test_delivery_lost_in_flight_is_neither_removed_nor_retried(result: AttemptResult) -> None:
    scene = Scene(result)
    scene.gateway.during = scene.source.lose_connection
    assert scene.handle() is None
    assert len(scene.gateway.requests) == 1
    assert list(scene.source.queue) == [BODY]
    assert scene.removed == []
    assert scene.kinds_of_events[-1] is MessageRequeued


@pytest.mark.parametrize("scene_class", [Scene, MalformedScene])
def test_nothing_is_sent_or_given_up_after_a_stop(scene_class: type[Scene]) -> None:
    scene = scene_class()
    scene.stop()
    assert scene.handle() is None
    assert scene.gateway.requests == []
    assert scene.removed == []
    assert scene.monitor.events == []


@pytest.mark.parametrize("scene_class", [Scene, MalformedScene])
def test_lost_delivery_is_not_handled(scene_class: type[Scene]) -> None:
    scene = scene_class()
    scene.source.lose_connection()
    assert scene.handle() is None
    assert scene.gateway.requests == []
    assert scene.removed == []
    assert scene.monitor.events == []


class Refusing:
    """A delivery that can't be given up: the source was stopped first, or the dead letter is not confirmed."""

    body = BODY
    redelivered = False
    ordering_key = None

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    def is_lost(self) -> bool:
        return False

    def ack(self) -> None:
        raise AssertionError("a message that is to be given up is not acked by the handler")

    def give_up(self, dead_letter: DeadLetter) -> bool:
        if self._failure is not None:
            raise self._failure
        return False


def test_rejected_message_that_is_not_removed_is_requeued() -> None:
    scene = Scene(Response(422))
    assert scene.handler.handle(Refusing()) is None
    assert scene.kinds_of_events == [AttemptFinished, MessageRequeued]


def test_malformed_message_that_is_not_removed_is_not_reported() -> None:
    """It will be redelivered, and reported then."""
    scene = MalformedScene()
    assert scene.handler.handle(Refusing()) is None
    assert scene.monitor.events == []


@pytest.mark.parametrize("scene", [Scene(Response(422)), MalformedScene()], ids=["rejected", "malformed"])
def test_dead_letter_that_can_not_be_confirmed_is_raised(scene: Scene) -> None:
    with pytest.raises(BrokerUnavailable, match="not confirmed"):
        scene.handler.handle(Refusing(BrokerUnavailable("not confirmed")))
    assert MessageGivenUp not in scene.kinds_of_events
    assert MessageMalformed not in scene.kinds_of_events


# Dead letters.


def test_dead_letter_says_what_is_known() -> None:
    response = Response(422, request_id="b2f1", error_codes=("parameter_invalid",))
    scene = Scene(NO_RESPONSE, Response(429), response)
    assert scene.handle() is Disposition.REJECTED
    assert not scene.acked
    assert scene.source.dead_letters == [
        (
            BODY,
            DeadLetter(
                reason=Reason.REJECTED,
                method="POST",
                path="/contacts",
                status=422,
                request_id="b2f1",
                error_codes=("parameter_invalid",),
                attempts=3,
                first_attempt_at=0,
                last_attempt_at=10.5,
            ),
        )
    ]


def test_second_50x_is_dead_lettered_as_a_server_error() -> None:
    scene = Scene(Response(500), Response(503))
    scene.handle()
    assert [dead_letter.reason for _, dead_letter in scene.source.dead_letters] == [Reason.SERVER_ERROR]


def test_malformed_message_is_given_up_without_being_sent() -> None:
    scene = MalformedScene()
    assert scene.handle() is Disposition.MALFORMED
    assert scene.gateway.requests == []
    assert scene.source.dead_letters == [(BODY, DeadLetter(Reason.MALFORMED))]
    assert scene.monitor.events == [MessageMalformed("not a map but list", BODY)]


# Events.


@pytest.mark.parametrize(
    ("script", "disposition", "kinds"),
    [
        ([Response(200)], Disposition.DELIVERED, [AttemptFinished, MessageDelivered]),
        ([Response(404)], Disposition.NOT_FOUND, [AttemptFinished, MessageNotFound]),
        ([Response(422)], Disposition.REJECTED, [AttemptFinished, MessageGivenUp]),
        ([Response(429)], Disposition.RATE_LIMITED, [AttemptFinished, RetryScheduled]),
        ([Response(500)], Disposition.SERVER_ERROR, [AttemptFinished, RetryScheduled]),
        ([NO_RESPONSE], Disposition.NO_RESPONSE, [AttemptFinished, RetryScheduled]),
        (
            [Response(500), Response(500)],
            Disposition.REPEATED_SERVER_ERROR,
            [AttemptFinished, RetryScheduled, AttemptFinished, MessageGivenUp],
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Disposition) else "",
)
def test_events_of_each_disposition_come_in_order(
    script: list[AttemptResult], disposition: Disposition, kinds: list[type[Event]]
) -> None:
    scene = Scene(*script)
    scene.handle()
    assert scene.kinds_of_events[: len(kinds)] == kinds
    after_retry = [] if kinds[-1] is not RetryScheduled else [AttemptFinished, MessageDelivered]
    assert scene.kinds_of_events[len(kinds) :] == after_retry
    last = [event for event in scene.monitor.events[: len(kinds)] if isinstance(event, AttemptFinished)][-1]
    assert last.attempt.disposition is disposition
    assert last.attempt.result == script[-1]


@pytest.mark.parametrize("response", [Response(200), Response(404), Response(422)], ids=str)
def test_removal_is_reported_after_it_happened(response: Response) -> None:
    scene = Scene(response)
    removed: list[bool] = []

    class Watching(RecordingMonitor):
        def record(self, event: Event) -> None:
            removed.append(scene.removed == [BODY])

    scene.handler = Handler(
        scene.decode,
        scene.gateway,
        RateLimiter(scene.clock, RecordingMonitor()),
        scene.clock,
        Watching(),
        draw=lambda delay: delay.min,
        stopping=lambda: False,
    )
    scene.handle()
    assert removed == [False, True]


def test_attempt_events_say_what_was_sent_and_what_came_of_it() -> None:
    scene = Scene(Response(503), Response(200))
    scene.gateway.during = lambda: setattr(scene.clock, "now", scene.clock.now + 0.25)
    scene.handle()
    first, second = (event.attempt for event in scene.monitor.of(AttemptFinished))
    assert (first.method, first.path, first.duration, first.state.attempts) == ("POST", "/contacts", 0.25, 1)
    assert (second.state.attempts, second.state.first_attempt_at, second.state.last_attempt_at) == (2, 0, 0.75)
    assert [event.delay for event in scene.monitor.of(RetryScheduled)] == [0.5]
    assert [event.attempt for event in scene.monitor.of(RetryScheduled)] == [first]
    assert [event.attempt for event in scene.monitor.of(MessageDelivered)] == [second]


@pytest.mark.parametrize(
    ("script", "redelivered", "marks"),
    [
        ([Response(200)], False, [False]),
        ([Response(200)], True, [True]),
        ([Response(429), Response(200)], False, [False, False]),
        ([Response(500), Response(200)], False, [False, True]),
        ([NO_RESPONSE, Response(429), Response(200)], False, [False, True, True]),
    ],
)
def test_attempt_that_may_be_a_duplicate_is_marked(
    script: list[AttemptResult], redelivered: bool, marks: list[bool]
) -> None:
    scene = Scene(*script)
    if redelivered:
        scene.source.lose_connection()
        scene.delivery = scene.receive()
        assert scene.delivery.redelivered
    scene.handle()
    assert [event.attempt.state.possible_duplicate for event in scene.monitor.of(AttemptFinished)] == marks
