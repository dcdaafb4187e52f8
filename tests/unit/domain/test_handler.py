"""One message: acquire a permit, send, decide, wait, until it is acked or given up."""

from collections.abc import Callable
from dataclasses import replace

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
from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.diagnosis import GET_ME, Diagnoser
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.domain.events import (
    AttemptFinished,
    AttemptStarted,
    HoldBegan,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageNotSent,
    MessageReceived,
    MessageRequeued,
    Paused,
    ProbeSent,
    RetryScheduled,
)
from intercom_sink.domain.handler import Handler
from intercom_sink.domain.hold import MAX_OUTAGE, Hold
from intercom_sink.domain.policy import PolicyOptions
from intercom_sink.domain.rate_limit import retry_delay
from intercom_sink.domain.rate_limiter import RateLimiter
from intercom_sink.testing import InMemoryGateway, InMemorySource, RecordingMonitor, VirtualClock
from tests.support.events import LAST_OF_MESSAGE
from tests.support.strategies import options, results
from tests.support.virtual_threads import VirtualThreads

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
BODY = b"the message"
NO_RESPONSE = NoResponse("connection reset")
DEFAULTS = PolicyOptions()
HOLD = PolicyOptions(hold=True, dead_letters=True)


def limited_resource(seconds: float) -> Response:
    """A 429 about one resource: the window still takes requests."""
    return Response(429, RateLimit(server_time=0, reset_at=seconds, remaining=5))


class ScriptedGateway(InMemoryGateway):
    """An Intercom that notes when each attempt was made, and during which something may happen.

    `GET /me` has a script of its own, and is not among the requests.
    """

    def __init__(self, script: tuple[AttemptResult, ...], me: list[AttemptResult], clock: VirtualClock) -> None:
        super().__init__(script)
        self.sent_at: list[float] = []
        self.me_sent_at: list[float] = []
        self.during: Callable[[], None] = lambda: None
        self.during_me: Callable[[], None] = lambda: None
        self.last_me: AttemptResult | None = None
        self._me = iter(me)
        self._clock = clock

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        if request == GET_ME:
            self.me_sent_at.append(self._clock.now)
            self.during_me()
            self.last_me = next(self._me, Response(200))
            return self.last_me
        self.sent_at.append(self._clock.now)
        self.during()
        return super().send(request)


class Scene:
    """One message, and an Intercom that responds by a script."""

    def __init__(
        self, *script: AttemptResult, me: list[AttemptResult] | None = None, options: PolicyOptions = DEFAULTS
    ) -> None:
        self.source = InMemorySource([BODY])
        self.clock = VirtualClock()
        self.gateway = ScriptedGateway(script, me or [], self.clock)
        self.monitor = RecordingMonitor()
        self.stopping = False
        self.delivery = self.receive()
        self.limiter_monitor = RecordingMonitor()
        self.limiter = RateLimiter(self.clock, self.limiter_monitor)
        diagnoser = Diagnoser(self.gateway, self.limiter, self.clock)
        self.hold = Hold(diagnoser, self.clock, self.monitor, self.draw, on_begin=self.limiter.wake)
        self.handler = Handler(
            decode=self.decode,
            gateway=self.gateway,
            limiter=self.limiter,
            clock=self.clock,
            monitor=self.monitor,
            diagnoser=diagnoser,
            hold=self.hold,
            draw=self.draw,
            stopping=lambda: self.stopping,
            options=options,
        )

    def draw(self, delay: Delay) -> float:
        return delay.min

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
        begins = (MessageReceived, AttemptStarted)
        return [type(event) for event in self.monitor.events if not isinstance(event, begins)]


class MalformedScene(Scene):
    """One message that is no request."""

    def decode(self, body: bytes) -> IntercomRequest:
        raise MalformedMessage("not a map but list")


# What happens to a message.


@pytest.mark.parametrize(
    ("script", "disposition", "waits"),
    [
        ([Response(200)], Disposition.DELIVERED, []),
        ([Response(404)], Disposition.NOT_FOUND, []),
        ([Response(401)], Disposition.ACCESS_DENIED, []),
        ([Response(422)], Disposition.REJECTED, []),
        ([Response(500), Response(409)], Disposition.DUPLICATE, [0.5]),
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
    assert scene.acked is (disposition in (Disposition.DELIVERED, Disposition.NOT_FOUND, Disposition.DUPLICATE))
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
    previous_was_server_error = False
    for number, result in enumerate(script, start=1):
        status = result.status if isinstance(result, Response) else None
        is_server_error = status is not None and status >= 500
        may_be_retried = status is None or status == 429 or (is_server_error and not previous_was_server_error)
        if not may_be_retried:
            return number
        previous_was_server_error = is_server_error
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
    assert [event.cause for event in scene.limiter_monitor.events_of(Paused)] == causes


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
    assert scene.monitor.events[-1] == MessageRequeued(Envelope(), "POST", "/contacts", attempts=1)


def test_message_that_was_never_sent_is_reported_as_not_sent() -> None:
    """It waited for the end of a pause that another message caused."""
    scene = Scene()
    permit = scene.limiter.acquire(lambda: False)
    assert permit is not None
    scene.limiter.release(permit, NO_RESPONSE, pause=5.0)
    scene.clock.at(2, scene.stop)
    assert scene.handle() is None
    assert scene.clock.now == 2
    assert scene.gateway.requests == []
    assert scene.kinds_of_events == [MessageNotSent]


def test_attempt_in_flight_at_a_stop_is_finished_and_acked() -> None:
    scene = Scene(Response(200))
    scene.gateway.during = scene.stop
    assert scene.handle() is Disposition.DELIVERED
    assert scene.acked


@pytest.mark.parametrize("result", [Response(200), Response(401), Response(422), Response(429), NO_RESPONSE], ids=str)
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
    delivered_at = 0.0
    envelope = Envelope()

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
    assert scene.kinds_of_events == [MessageNotSent]


@pytest.mark.parametrize("scene", [Scene(Response(422)), MalformedScene()], ids=["rejected", "malformed"])
def test_dead_letter_that_can_not_be_confirmed_is_raised(scene: Scene) -> None:
    with pytest.raises(BrokerUnavailable, match="not confirmed"):
        scene.handler.handle(Refusing(BrokerUnavailable("not confirmed")))
    assert MessageGivenUp not in scene.kinds_of_events
    assert MessageMalformed not in scene.kinds_of_events
    assert scene.kinds_of_events == ([AttemptFinished, MessageRequeued] if scene.gateway.requests else [MessageNotSent])


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


def test_second_5xx_is_dead_lettered_as_a_server_error() -> None:
    scene = Scene(Response(500), Response(503))
    scene.handle()
    assert [dead_letter.reason for _, dead_letter in scene.source.dead_letters] == [Reason.SERVER_ERROR]


def test_malformed_message_is_given_up_without_being_sent() -> None:
    scene = MalformedScene()
    assert scene.handle() is Disposition.MALFORMED
    assert scene.gateway.requests == []
    assert scene.source.dead_letters == [(BODY, DeadLetter(Reason.MALFORMED, detail="not a map but list"))]
    assert scene.monitor.events == [
        MessageReceived(Envelope(), scene.delivery.delivered_at, is_malformed=True),
        MessageMalformed(Envelope(), "not a map but list", BODY),
    ]


# Events.


@pytest.mark.parametrize(
    ("script", "disposition", "kinds"),
    [
        ([Response(200)], Disposition.DELIVERED, [AttemptFinished, MessageDelivered]),
        ([Response(404)], Disposition.NOT_FOUND, [AttemptFinished, MessageNotFound]),
        ([Response(403)], Disposition.ACCESS_DENIED, [AttemptFinished, MessageGivenUp]),
        ([limited_resource(7)], Disposition.RESOURCE_LIMITED, [AttemptFinished, RetryScheduled]),
        ([Response(422)], Disposition.REJECTED, [AttemptFinished, MessageGivenUp]),
        ([Response(429)], Disposition.RATE_LIMITED, [AttemptFinished, RetryScheduled]),
        ([Response(500)], Disposition.SERVER_ERROR, [AttemptFinished, RetryScheduled]),
        ([NO_RESPONSE], Disposition.NO_RESPONSE, [AttemptFinished, RetryScheduled]),
        (
            [Response(500), Response(409)],
            Disposition.DUPLICATE,
            [AttemptFinished, RetryScheduled, AttemptFinished, MessageDuplicate],
        ),
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
    last = scene.monitor.events_of(AttemptFinished)[len(script) - 1]
    assert last.attempt.disposition is disposition
    assert last.attempt.result == script[-1]


@pytest.mark.parametrize("response", [Response(200), Response(404), Response(409), Response(422)], ids=str)
def test_removal_is_reported_after_it_happened(response: Response) -> None:
    scene = Scene(response)
    removed: list[tuple[type[Event], bool]] = []

    class Watching(RecordingMonitor):
        def record(self, event: Event) -> None:
            removed.append((type(event), scene.removed == [BODY]))

    scene.handler = replace(scene.handler, monitor=Watching())
    scene.handle()
    assert [kind for kind, is_removed in removed if not is_removed] == [
        MessageReceived,
        AttemptStarted,
        AttemptFinished,
    ]
    assert len(removed) == 4


@pytest.mark.parametrize("result", [Response(429), NO_RESPONSE], ids=str)
def test_attempt_is_reported_before_the_pause_that_follows_from_it(result: AttemptResult) -> None:
    scene = Scene(result)
    scene.handler = replace(scene.handler, monitor=scene.limiter_monitor)
    scene.handle()
    assert [type(event) for event in scene.limiter_monitor.events[1:5]] == [
        ProbeSent,
        AttemptStarted,
        AttemptFinished,
        Paused,
    ]


def test_attempt_has_ended_before_its_diagnosis() -> None:
    scene = Scene(NO_RESPONSE, Response(200), options=HOLD)
    scene.gateway.during = lambda: setattr(scene.clock, "now", scene.clock.now + 1)
    scene.gateway.during_me = lambda: setattr(scene.clock, "now", scene.clock.now + 30)
    scene.handle()
    first = scene.monitor.events_of(AttemptFinished)[0].attempt
    assert (first.duration, first.ended_at) == (1, 1)


def test_attempt_events_say_what_was_sent_and_what_came_of_it() -> None:
    scene = Scene(Response(503), Response(200))
    scene.gateway.during = lambda: setattr(scene.clock, "now", scene.clock.now + 0.25)
    scene.handle()
    first, second = (event.attempt for event in scene.monitor.events_of(AttemptFinished))
    assert (first.method, first.path, first.duration, first.state.attempts) == ("POST", "/contacts", 0.25, 1)
    assert (second.state.attempts, second.state.first_attempt_at, second.state.last_attempt_at) == (2, 0, 0.75)
    assert [event.delay for event in scene.monitor.events_of(RetryScheduled)] == [0.5]
    assert [event.attempt for event in scene.monitor.events_of(RetryScheduled)] == [first]
    assert [event.attempt for event in scene.monitor.events_of(MessageDelivered)] == [second]


@pytest.mark.parametrize(
    ("script", "redelivered", "marks"),
    [
        ([Response(200)], False, [False]),
        ([Response(200)], True, [True]),
        ([Response(429), Response(200)], False, [False, False]),
        ([Response(500), Response(200)], False, [False, True]),
        ([NO_RESPONSE, Response(429), Response(200)], False, [False, True, True]),
        ([limited_resource(7), Response(200)], False, [False, False]),
        ([Response(429, resent=True), Response(200)], False, [True, True]),
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
    assert [event.attempt.state.possible_duplicate for event in scene.monitor.events_of(AttemptFinished)] == marks


# 404 and 409.


@pytest.mark.parametrize(
    ("chosen", "reasons"),
    [
        (PolicyOptions(dead_letters=True, dead_letter_not_found=True), [Reason.NOT_FOUND]),
        (PolicyOptions(dead_letter_not_found=True), []),
        (PolicyOptions(dead_letters=True), []),
    ],
    ids=str,
)
def test_404_is_dead_lettered_where_the_operator_asks_for_it(chosen: PolicyOptions, reasons: list[Reason]) -> None:
    scene = Scene(Response(404), options=chosen)
    assert scene.handle() is (Disposition.NOT_FOUND_DEAD_LETTERED if reasons else Disposition.NOT_FOUND)
    assert [dead_letter.reason for _, dead_letter in scene.source.dead_letters] == reasons
    assert scene.acked is not bool(reasons)
    assert scene.kinds_of_events == [AttemptFinished, MessageGivenUp if reasons else MessageNotFound]


@pytest.mark.parametrize("redelivered", [True, False])
def test_409_is_acked_only_after_a_possible_delivery(redelivered: bool) -> None:
    scene = Scene(Response(409))
    if redelivered:
        scene.source.lose_connection()
        scene.delivery = scene.receive()
    assert scene.handle() is (Disposition.DUPLICATE if redelivered else Disposition.REJECTED)
    assert scene.acked is redelivered


def test_409_is_acked_after_a_request_that_was_sent_twice() -> None:
    """A kept-alive connection was closed before the first response: Intercom may have acted on it."""
    scene = Scene(Response(409, resent=True))
    assert scene.handle() is Disposition.DUPLICATE
    assert scene.acked


# Whose fault is it?


@pytest.mark.parametrize(
    ("script", "disposition", "reason"),
    [
        ([Response(401)], Disposition.ACCESS_DENIED, Reason.REJECTED),
        ([Response(403)], Disposition.ACCESS_DENIED, Reason.REJECTED),
        ([Response(500), Response(503)], Disposition.REPEATED_SERVER_ERROR, Reason.SERVER_ERROR),
        ([NO_RESPONSE] * 5, Disposition.NO_RESPONSE_TOO_OFTEN, Reason.NO_RESPONSE),
    ],
    ids=str,
)
def test_message_at_fault_is_given_up(script: list[AttemptResult], disposition: Disposition, reason: Reason) -> None:
    scene = Scene(*script, options=HOLD)
    assert scene.handle() is disposition
    assert [dead_letter.reason for _, dead_letter in scene.source.dead_letters] == [reason]
    assert not scene.hold.is_active()
    assert scene.gateway.requests == [REQUEST] * len(script)
    assert len(scene.gateway.me_sent_at) == (5 if disposition is Disposition.NO_RESPONSE_TOO_OFTEN else 1)
    assert scene.kinds_of_events[-2:] == [AttemptFinished, MessageGivenUp]


@pytest.mark.parametrize(
    ("me", "cause"),
    [
        (Response(401), HoldCause.TOKEN),
        (Response(403), HoldCause.TOKEN),
        (Response(500), HoldCause.INTERCOM),
        (Response(429), HoldCause.INTERCOM),
        (Response(404), HoldCause.INTERCOM),
        (Response(302), HoldCause.INTERCOM),
        (NO_RESPONSE, HoldCause.INTERCOM),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("script", "disposition"),
    [
        ([Response(401)], Disposition.ACCESS_DENIED),
        ([Response(403)], Disposition.ACCESS_DENIED),
        ([Response(500), Response(503)], Disposition.REPEATED_SERVER_ERROR),
        ([NO_RESPONSE], Disposition.NO_RESPONSE),
        ([NO_RESPONSE] * 5, Disposition.NO_RESPONSE),
    ],
    ids=str,
)
def test_message_returns_to_the_queue_while_the_token_or_intercom_fails(
    script: list[AttemptResult], disposition: Disposition, me: AttemptResult, cause: HoldCause
) -> None:
    answers = [Response(200)] * (len(script) - 1 if script[0] == NO_RESPONSE else 0)
    scene = Scene(*script, me=[*answers, me], options=HOLD)
    assert scene.handle() is None
    assert scene.removed == []
    assert scene.hold.is_active()
    assert scene.gateway.requests == [REQUEST] * len(script)
    attempt, hold, requeued = scene.monitor.events[-3:]
    assert isinstance(attempt, AttemptFinished)
    assert attempt.attempt.disposition is disposition
    assert hold == HoldBegan(cause, attempt.attempt)
    assert requeued == MessageRequeued(Envelope(), "POST", "/contacts", len(script))


@pytest.mark.parametrize(
    "script",
    [[Response(401)], [Response(403)], [Response(500), Response(503)], [NO_RESPONSE, NO_RESPONSE, Response(200)]],
    ids=str,
)
def test_nobody_is_asked_with_hold_off(script: list[AttemptResult]) -> None:
    scene = Scene(*script, me=[Response(401)] * 9, options=PolicyOptions(dead_letters=True))
    assert scene.handle() is not None
    assert scene.removed == [BODY]
    assert scene.gateway.me_sent_at == []


@pytest.mark.parametrize(
    "script",
    [
        [Response(200)], [Response(404)], [Response(409)], [Response(422)], [Response(301)], [Response(429)],
        [limited_resource(7)], [Response(500), Response(200)],
    ],
    ids=str,
)  # fmt: skip
def test_nobody_is_asked_where_the_fault_is_plain(script: list[AttemptResult]) -> None:
    scene = Scene(*script, options=HOLD)
    assert scene.handle() is not None
    assert scene.gateway.me_sent_at == []


def test_malformed_message_is_given_up_without_a_question() -> None:
    scene = MalformedScene(options=HOLD)
    assert scene.handle() is Disposition.MALFORMED
    assert scene.gateway.me_sent_at == []


def assert_held(scene: Scene) -> None:
    assert scene.handle() is None
    assert scene.hold.is_active()


@pytest.mark.parametrize("scene_class", [Scene, MalformedScene])
def test_nothing_is_sent_or_given_up_during_a_hold(scene_class: type[Scene]) -> None:
    failing = Scene(Response(401), me=[Response(401)], options=HOLD)
    assert_held(failing)
    scene = scene_class()
    scene.handler = replace(scene.handler, hold=failing.hold)
    assert scene.handle() is None
    assert scene.gateway.requests == []
    assert scene.removed == []
    assert scene.monitor.events == []


def test_hold_ends_the_wait_for_a_retry_at_once() -> None:
    """Another message's failure begins it."""
    failing = Scene(Response(401), me=[Response(401)], options=HOLD)
    scene = Scene(Response(429, RateLimit(0, 60)))
    scene.handler = replace(scene.handler, hold=failing.hold)
    scene.clock.at(5, lambda: assert_held(failing))
    assert scene.handle() is None
    assert scene.clock.now == 5
    assert scene.kinds_of_events == [AttemptFinished, RetryScheduled, MessageRequeued]


def test_message_without_a_response_pauses_only_its_lane_with_its_own_backoff() -> None:
    """The delay counts from the end of the attempt, not from the answer to `GET /me`."""
    scene = Scene(*[NO_RESPONSE] * 5, options=HOLD)
    scene.gateway.during_me = lambda: setattr(scene.clock, "now", scene.clock.now + 0.25)
    scene.handle()
    assert scene.gateway.sent_at == [0, 0.5, 1.5, 3.5, 7.5]
    assert scene.gateway.me_sent_at == [0, 0.5, 1.5, 3.5, 7.5], "at once"
    assert scene.limiter_monitor.events_of(Paused) == []
    assert [event.delay for event in scene.monitor.events_of(RetryScheduled)] == [0.5, 1, 2, 4]
    assert {event.attempt.disposition for event in scene.monitor.events_of(RetryScheduled)} == {
        Disposition.NO_RESPONSE_TO_MESSAGE
    }
    assert {event.attempt.duration for event in scene.monitor.events_of(AttemptFinished)} == {0}


def test_message_without_a_response_is_retried_for_ever_without_a_dead_letter_queue() -> None:
    scene = Scene(*[NO_RESPONSE] * 50, options=PolicyOptions(hold=True))
    assert scene.handle() is Disposition.DELIVERED
    assert len(scene.gateway.requests) == 51
    assert scene.clock.now > MAX_OUTAGE, "the ten minutes are about messages that nobody asks for"
    assert scene.monitor.events_of(HoldBegan) == []


def test_retry_after_an_attempt_without_a_response_may_be_a_duplicate() -> None:
    scene = Scene(NO_RESPONSE, Response(409), options=HOLD)
    assert scene.handle() is Disposition.DUPLICATE
    assert scene.acked


def pause_for_all(scene: Scene, seconds: float) -> Callable[[], None]:
    """While the message is in flight, another one gets a 429: `GET /me` will wait for that pause."""
    for _ in range(2):  # the first is the probe, which would keep the other waiting
        permit = scene.limiter.acquire(lambda: False)
        assert permit is not None
        scene.limiter.release(permit, Response(200))

    def happen() -> None:
        other = scene.limiter.acquire(lambda: False)
        assert other is not None
        scene.limiter.release(other, Response(429), seconds)

    return happen


def test_get_me_waits_for_a_pause_for_all() -> None:
    scene = Scene(Response(401), options=HOLD)
    scene.gateway.during = pause_for_all(scene, 5)
    assert scene.handle() is Disposition.ACCESS_DENIED
    assert scene.gateway.me_sent_at == [5]


@pytest.mark.parametrize("result", [Response(401), NO_RESPONSE], ids=str)
@pytest.mark.parametrize("cause", ["stop", "lost connection"])
def test_message_whose_fault_is_not_known_yet_returns_to_the_queue(cause: str, result: AttemptResult) -> None:
    scene = Scene(result, options=HOLD)
    scene.gateway.during = pause_for_all(scene, 5)
    causes: dict[str, Callable[[], None]] = {"stop": scene.stop, "lost connection": scene.source.lose_connection}
    scene.clock.at(2, causes[cause])
    assert scene.handle() is None
    assert scene.clock.now == 2
    assert scene.gateway.me_sent_at == []
    assert scene.removed == []
    assert not scene.hold.is_active()
    assert scene.kinds_of_events == [AttemptFinished, MessageRequeued]


def test_delivery_that_is_lost_while_get_me_is_in_flight_is_not_given_up() -> None:
    scene = Scene(Response(401), options=HOLD)
    scene.gateway.during_me = scene.source.lose_connection
    assert scene.handle() is None
    assert scene.removed == []
    assert scene.kinds_of_events == [AttemptFinished, MessageRequeued]


@given(st.lists(results, max_size=12), st.lists(results, max_size=12), options)
def test_message_is_removed_once_or_stays_for_a_hold(
    script: list[AttemptResult], me: list[AttemptResult], chosen: PolicyOptions
) -> None:
    scene = Scene(*script, me=me, options=chosen)
    disposition = scene.handle()
    assert scene.removed == ([] if disposition is None else [BODY])
    assert scene.hold.is_active() is (disposition is None)
    assert len(scene.monitor.events_of(HoldBegan)) == (disposition is None)
    assert_each_beginning_has_its_end(scene.monitor.events)
    assert chosen.hold or scene.gateway.me_sent_at == []
    blamed = disposition in (
        Disposition.ACCESS_DENIED, Disposition.REPEATED_SERVER_ERROR, Disposition.NO_RESPONSE_TOO_OFTEN,
    )  # fmt: skip
    if chosen.hold and blamed:
        assert isinstance(scene.gateway.last_me, Response)
        assert 200 <= scene.gateway.last_me.status <= 299
        assert scene.gateway.me_sent_at[-1] >= scene.gateway.sent_at[-1]


def assert_each_beginning_has_its_end(events: list[Event]) -> None:
    """Of the message, and of each attempt: what is in progress can be counted."""
    kinds = [type(event) for event in events]
    assert (kinds[0], kinds.count(MessageReceived)) == (MessageReceived, 1)
    assert kinds[-1] in LAST_OF_MESSAGE
    assert sum(kinds.count(last) for last in LAST_OF_MESSAGE) == 1
    attempts = [kind for kind in kinds if kind in (AttemptStarted, AttemptFinished)]
    assert attempts == [AttemptStarted, AttemptFinished] * (len(attempts) // 2)


# Outages, with hold off.


def test_message_returns_to_the_queue_after_ten_minutes_without_any_response() -> None:
    """Attempts at 0, 0.5, 1.5, ... s, then every 30 s: the first failure at 600 s or later ends it."""
    scene = Scene(*[NO_RESPONSE] * 100)
    assert scene.handle() is None
    assert scene.removed == []
    assert scene.clock.now == scene.gateway.sent_at[-1] == 601.5
    assert scene.gateway.sent_at[-2] == 571.5 < MAX_OUTAGE
    last, began, requeued = scene.monitor.events[-3:]
    assert isinstance(last, AttemptFinished)
    assert last.attempt.disposition is Disposition.NO_RESPONSE
    assert began == HoldBegan(HoldCause.OUTAGE, last.attempt)
    assert requeued == MessageRequeued(Envelope(), "POST", "/contacts", len(scene.gateway.requests))
    assert scene.gateway.me_sent_at == []


@pytest.mark.parametrize("response", [Response(429), Response(503)], ids=str)
def test_any_response_begins_the_ten_minutes_again(response: Response) -> None:
    scene = Scene(*[NO_RESPONSE] * 20, response, *[NO_RESPONSE] * 20, Response(200))
    assert scene.handle() is Disposition.DELIVERED
    assert scene.clock.now > MAX_OUTAGE
    assert scene.monitor.events_of(HoldBegan) == []


# A 429 about one resource.


class LanesScene:
    """Messages of several lanes, each handled by a task of its own, in virtual time."""

    def __init__(self, scripts: dict[str, list[AttemptResult]], options: PolicyOptions = DEFAULTS) -> None:
        self.threads = VirtualThreads()
        self.monitor = RecordingMonitor()
        self.source = InMemorySource([key.encode() for key in scripts], bytes.decode)
        self.sent: list[tuple[float, str]] = []
        self._scripts = {key: iter(script) for key, script in scripts.items()}
        limiter = RateLimiter(self.threads, self.monitor)
        permit = limiter.acquire(lambda: False)
        assert permit is not None
        limiter.release(permit, Response(200))  # there was a probe
        diagnoser = Diagnoser(self, limiter, self.threads)
        hold = Hold(diagnoser, self.threads, self.monitor, self.draw, on_begin=limiter.wake)
        self.source.on_lost(limiter.wake)
        self.handler = Handler(
            self.decode, self, limiter, self.threads, self.monitor, diagnoser, hold, self.draw, lambda: False, options
        )

    def decode(self, body: bytes) -> IntercomRequest:
        return IntercomRequest("POST", f"/{body.decode()}")

    def draw(self, delay: Delay) -> float:
        return delay.min

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        key = request.path.removeprefix("/")
        self.sent.append((self.threads.now, key))
        return next(self._scripts.get(key, iter(())), Response(200))

    def close(self) -> None:
        """Nothing is open."""

    def handle_next(self, at: float = 0.0) -> None:
        """Receives the next message at a given time, and has it handled."""

        def job() -> None:
            self.threads.sleep(at)
            delivery = self.source.receive()
            assert delivery is not None
            self.handler.handle(delivery)

        self.threads.start(job)

    def at(self, moment: float, event: Callable[[], None]) -> None:
        def job() -> None:
            self.threads.sleep(moment)
            event()

        self.threads.start(job)

    def run(self) -> None:
        self.threads.run(seconds=1000)


def test_429_about_one_resource_delays_only_its_own_lane() -> None:
    scene = LanesScene({"limited": [limited_resource(7)], "free": []})
    scene.handle_next(at=0)
    scene.handle_next(at=1)
    scene.run()
    assert scene.sent == [(0, "limited"), (1, "free"), (7, "limited")]
    assert scene.monitor.events_of(Paused) == []


def test_429_about_a_second_resource_pauses_all() -> None:
    scene = LanesScene({"one": [limited_resource(7)], "two": [limited_resource(20)], "free": []})
    for at in (0, 1, 2):
        scene.handle_next(at)
    scene.run()
    assert scene.sent[:2] == [(0, "one"), (1, "two")]
    assert sorted(scene.sent[2:]) == [(21, "free"), (21, "one"), (21, "two")]
    assert [(event.cause, event.seconds) for event in scene.monitor.events_of(Paused)] == [
        (PauseCause.RATE_LIMITED, 20)
    ]


def test_429_about_a_second_resource_after_the_first_pause_delays_its_lane_only() -> None:
    scene = LanesScene({"one": [limited_resource(7)], "two": [limited_resource(20)], "free": []})
    for at in (0, 8, 9):
        scene.handle_next(at)
    scene.run()
    assert scene.sent == [(0, "one"), (7, "one"), (8, "two"), (9, "free"), (28, "two")]


def test_same_lane_limited_again_pauses_nobody_else() -> None:
    scene = LanesScene({"limited": [limited_resource(7), limited_resource(7)], "free": []})
    scene.handle_next(at=0)
    scene.handle_next(at=8)
    scene.run()
    assert scene.sent == [(0, "limited"), (7, "limited"), (8, "free"), (14, "limited")]


def test_redelivered_message_of_a_limited_lane_still_waits() -> None:
    scene = LanesScene({"limited": [limited_resource(60)], "free": []})
    scene.handle_next(at=0)
    scene.at(2, scene.source.lose_connection)
    scene.handle_next(at=3)
    scene.handle_next(at=4)
    scene.run()
    assert scene.sent == [(0, "limited"), (4, "free"), (60, "limited")]
    assert scene.source.acked == [b"free", b"limited"]


def test_message_without_a_response_leaves_the_other_lanes_alone() -> None:
    """One path breaks every connection; it is sent five times, and the others are sent meanwhile."""
    scripts: dict[str, list[AttemptResult]] = {"poison": [NO_RESPONSE] * 9}
    scene = LanesScene(scripts | {str(number): [] for number in range(5)}, HOLD)
    for at in range(6):
        scene.handle_next(at)
    scene.run()
    assert [at for at, key in scene.sent if key == "poison"] == [0, 0.5, 1.5, 3.5, 7.5]
    assert [(at, key) for at, key in scene.sent if key.isdigit()] == [(at, str(at - 1)) for at in range(1, 6)]
    assert [(body, letter.reason) for body, letter in scene.source.dead_letters] == [(b"poison", Reason.NO_RESPONSE)]


def test_hold_sends_the_messages_of_every_lane_back() -> None:
    """One waits for its own resource, one for a retry; a third finds that the token is refused."""
    scene = LanesScene(
        {
            "waiting": [limited_resource(60)],
            "retried": [Response(500)],
            "refused": [Response(401)],
            "me": [Response(401)],
        },
        HOLD,
    )
    for at in (0, 1, 1.25):
        scene.handle_next(at)
    scene.run()
    assert scene.sent == [(0, "waiting"), (1, "retried"), (1.25, "refused"), (1.25, "me")]
    assert scene.source.acked == []
    assert scene.source.dead_letters == []
    assert sorted(event.path for event in scene.monitor.events_of(MessageRequeued)) == [
        "/refused",
        "/retried",
        "/waiting",
    ]
    assert [event.cause for event in scene.monitor.events_of(HoldBegan)] == [HoldCause.TOKEN]
