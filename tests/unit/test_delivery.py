"""One message, until it is settled."""

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import Answer, IntercomRequest, NoAnswer, Outcome, RateLimit
from intercom_sink.adapters.in_memory import InMemoryGateway, InMemorySource, VirtualClock
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.delivery import Sender
from intercom_sink.domain.pacing import Pacer
from intercom_sink.domain.policy import Kind
from intercom_sink.domain.ports import Delivery
from tests.unit.strategies import outcomes

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
BODY = b"the message"


class Scene:
    """A message, and an Intercom that answers by a script."""

    def __init__(self, *script: Outcome) -> None:
        self.source = InMemorySource([BODY])
        self.gateway = InMemoryGateway(script)
        self.clock = VirtualClock()
        self.stopping = False
        delivery = self.source.receive()
        assert delivery is not None
        self.delivery: Delivery = delivery

    def deliver(self) -> Kind | None:
        sender = Sender(self.gateway, self.clock, Pacer(), lambda pause: pause.least, lambda: self.stopping)
        return sender.deliver(self.delivery, REQUEST)

    @property
    def acked(self) -> bool:
        return self.source.acked == [BODY]

    @property
    def settled(self) -> bool:
        return self.acked or [body for body, _ in self.source.dead_letters] == [BODY]


@pytest.mark.parametrize(
    ("script", "kind", "waits"),
    [
        ([Answer(200)], Kind.DELIVERED, []),
        ([Answer(404)], Kind.NOT_FOUND, []),
        ([Answer(401)], Kind.REJECTED, []),
        ([Answer(500), Answer(200)], Kind.DELIVERED, [0.5]),
        ([Answer(500), Answer(500)], Kind.SERVER_ERROR_AGAIN, [0.5]),
        ([Answer(429, RateLimit(0, 7)), Answer(200)], Kind.DELIVERED, [7]),
        ([NoAnswer("x"), NoAnswer("x"), NoAnswer("x"), Answer(200)], Kind.DELIVERED, [0.5, 1, 2]),
        ([Answer(500), NoAnswer("x"), Answer(500), Answer(429), Answer(500), Answer(200)], Kind.DELIVERED,
         [0.5, 0.5, 0.5, 10, 0.5]),
    ],
)  # fmt: skip
def test_a_message_is_sent_until_it_is_settled_and_then_acked(
    script: list[Outcome], kind: Kind, waits: list[float]
) -> None:
    scene = Scene(*script)
    assert scene.deliver() is kind
    assert scene.acked is (kind in (Kind.DELIVERED, Kind.NOT_FOUND))
    assert scene.settled
    assert scene.gateway.requests == [REQUEST] * len(script)
    assert scene.clock.waits == waits


def test_the_ack_comes_after_the_answer() -> None:
    scene = Scene()

    class Watching(InMemoryGateway):
        def send(self, request: IntercomRequest) -> Outcome:
            assert not scene.acked
            return super().send(request)

    scene.gateway = Watching([NoAnswer("x"), Answer(500), Answer(429), Answer(500), Answer(200)])
    scene.deliver()
    assert scene.acked


@pytest.mark.parametrize("happens", ["stop", "lost connection"])
def test_a_pause_ends_at_once_and_nothing_is_sent_again_on(happens: str) -> None:
    scene = Scene(Answer(429, RateLimit(0, 60)))

    def stop() -> None:
        scene.stopping = True

    events: dict[str, Callable[[], None]] = {"stop": stop, "lost connection": scene.source.lose_connection}
    scene.clock.at(3, events[happens])
    assert scene.deliver() is None
    assert scene.clock.now == 3
    assert len(scene.gateway.requests) == 1
    assert not scene.acked


def test_the_answer_to_an_attempt_in_flight_at_a_stop_still_settles_the_message() -> None:
    scene = Scene()

    class Stopping(InMemoryGateway):
        def send(self, request: IntercomRequest) -> Outcome:
            scene.stopping = True
            return super().send(request)

    scene.gateway = Stopping([Answer(200)])
    assert scene.deliver() is Kind.DELIVERED
    assert scene.acked


@pytest.mark.parametrize("answer", [Answer(200), Answer(401), Answer(429), NoAnswer("x")])
def test_a_delivery_lost_in_flight_is_not_settled_and_not_sent_again(answer: Outcome) -> None:
    scene = Scene()

    class Losing(InMemoryGateway):
        def send(self, request: IntercomRequest) -> Outcome:
            scene.source.lose_connection()
            return super().send(request)

    scene.gateway = Losing([answer])
    assert scene.deliver() is None
    assert len(scene.gateway.requests) == 1
    assert list(scene.source.queue) == [BODY]


def test_nothing_is_sent_after_a_stop() -> None:
    scene = Scene()
    scene.stopping = True
    assert scene.deliver() is None
    assert scene.gateway.requests == []


@given(st.lists(outcomes, max_size=20))
def test_every_message_is_settled_in_the_end_and_acked_once(script: list[Outcome]) -> None:
    scene = Scene(*script)
    assert scene.deliver() is not None
    assert scene.settled
    assert len(scene.clock.waits) == len(scene.gateway.requests) - 1
    assert all(seconds > 0 for seconds in scene.clock.waits)


def test_a_dead_letter_says_what_is_known() -> None:
    answer = Answer(422, request_id="b2f1", error_codes=("parameter_invalid",))
    scene = Scene(NoAnswer("x"), Answer(429), answer)
    assert scene.deliver() is Kind.REJECTED
    assert not scene.acked
    ((body, letter),) = scene.source.dead_letters
    assert body == BODY
    assert letter == DeadLetter(
        reason=Reason.REJECTED,
        method="POST",
        path="/contacts",
        status=422,
        request_id="b2f1",
        error_codes=("parameter_invalid",),
        attempts=3,
        first_attempt=0,
        last_attempt=10.5,
    )


def test_a_second_50x_is_a_server_error_among_the_dead_letters() -> None:
    scene = Scene(Answer(500), Answer(503))
    scene.deliver()
    assert [letter.reason for _, letter in scene.source.dead_letters] == [Reason.SERVER_ERROR]


@pytest.mark.parametrize(
    ("script", "redelivered", "marks"),
    [
        ([Answer(200)], False, [False]),
        ([Answer(200)], True, [True]),
        ([Answer(429), Answer(200)], False, [False, False]),
        ([Answer(500), Answer(200)], False, [False, True]),
        ([NoAnswer("x"), Answer(429), Answer(200)], False, [False, True, True]),
    ],
)
def test_what_may_have_reached_intercom_before_is_marked_in_the_log(
    script: list[Outcome], redelivered: bool, marks: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene = Scene(*script)
    if redelivered:
        scene.source.lose_connection()
        again = scene.source.receive()
        assert again is not None
        assert again.redelivered
        scene.delivery = again
    scene.deliver()
    assert [vars(record).get("possible_duplicate", False) for record in caplog.records] == marks


def test_log_lines_say_what_intercom_said_and_never_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = Answer(422, request_id="b2f1", error_codes=("parameter_invalid",))
    Scene(Answer(503), NoAnswer("reset by peer"), answer).deliver()
    warning, error, final = caplog.records
    assert (warning.levelname, warning.message, vars(warning)["pause"]) == ("WARNING", "to be sent again", 0.5)
    assert (error.levelname, vars(error)["reason"]) == ("ERROR", "reset by peer")
    fields = ("method", "path", "outcome", "attempt", "status", "request_id", "error_codes")
    assert [vars(final)[name] for name in fields] == [
        "POST", "/contacts", "rejected", 3, 422, "b2f1", ["parameter_invalid"],
    ]  # fmt: skip
    assert final.message == "given up"
    assert "ada@example.com" not in str([vars(record) for record in caplog.records])
