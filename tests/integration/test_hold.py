"""Holds, on a real broker: while the token or Intercom fails, every message waits in its queue."""

import time
from functools import partial

import pytest

from intercom_sink.testing.intercom import Behaviour, FakeIntercom, error, reply, reset
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.support.durations import SLACK
from tests.support.messages import message
from tests.support.nodes import rabbit_settings
from tests.support.processes import StartSink
from tests.support.queues import Queue

HOLD = {"CJW_INTERCOM_HOLD": "on"}


def delivered(intercom: FakeIntercom) -> list[str]:
    """The paths of the requests, without those that ask whose fault a failure is."""
    return [request.path for request in intercom.requests if request.path != "/me"]


def asked(intercom: FakeIntercom) -> int:
    return sum(request.path == "/me" for request in intercom.requests)


def asked_more(intercom: FakeIntercom, times: int, before: int) -> bool:
    return asked(intercom) >= before + times


def test_holds_longer_than_the_acknowledgement_timeout_lose_nothing(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """Two holds, each several times as long as the timeout, on a quorum queue that drops a message at its 4th return.

    Neither the timeout nor the delivery limit is met: nothing is unacked during a hold, and a hold costs one delivery.
    """
    queue = Queue(node.url)
    queue.declare(arguments={"x-queue-type": "quorum", "x-delivery-limit": 3})
    expected = []
    with rabbit_settings(node, consumer_timeout=1000, channel_tick_interval=250):
        sink = start_sink(queue, **HOLD)
        for number, first in enumerate([0, 20], 1):
            intercom.default = error(401, "unauthorized")
            queue.publish(*(message(first + i) for i in range(20)))
            sink.wait_for("hold began", count=number)
            queue.wait_for_depth(20)
            since = time.monotonic()
            wait_until(
                partial(asked_more, intercom, 2, asked(intercom)), "two more GET /me", explain=lambda: sink.stderr
            )
            assert time.monotonic() - since > 2.5, "the hold is hardly longer than the timeout"
            intercom.default = reply(200)
            sink.wait_for("hold ended", count=number)
            sink.wait_for("delivered", count=20 * number)
            expected += [f"/contacts/{first + i}" for i in range(20)]
    assert sink.stop() == 0
    sent = delivered(intercom)
    assert list(dict.fromkeys(sent)) == expected, "in order"
    assert len(sent) == len(expected) + 2, "each hold began with one attempt that is repeated"
    assert sink.logs("given up") == sink.logs("RabbitMQ unavailable") == []
    assert queue.take_all() == []


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (error(403, "api_plan_restricted"), "the token is refused"),
        (reset, "Intercom fails"),
        (reply(503), "Intercom fails"),
    ],
    ids=["403", "no response", "5xx"],
)
def test_stop_during_a_hold_leaves_every_message_in_its_place(
    failure: Behaviour, cause: str, queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """With lanes, all of which fail at once; one GET /me is asked for all of them."""
    intercom.default = failure
    queue.publish(*(message(number) for number in range(10)), keys=[str(number % 4) for number in range(10)])
    sink = start_sink(queue, CJW_INTERCOM_CONCURRENCY="4", **HOLD)
    assert sink.wait_for("hold began")["cause"] == cause
    queue.wait_for_depth(10)
    began = time.monotonic()
    assert sink.stop() == 0
    assert time.monotonic() - began < SLACK
    assert queue.take_bodies() == [message(number) for number in range(10)]
    assert sink.logs("given up") == []


def test_rejected_message_is_given_up_if_the_token_is_good(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.script += [error(401, "unauthorized"), reply(200), error(500, "server_error"), error(500, "server_error")]
    queue.publish(message(1), message(2), message(3))
    sink = start_sink(queue, **HOLD)
    sink.wait_for("delivered")
    assert sink.stop() == 0
    assert [(entry["path"], entry["disposition"]) for entry in sink.logs("given up")] == [
        ("/contacts/1", "access denied"),
        ("/contacts/2", "repeated server error"),
    ]
    assert asked(intercom) == 2
    assert sink.logs("hold began") == []
