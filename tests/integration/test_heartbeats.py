"""Heartbeats: they continue while the sink waits for Intercom, and reveal a network that forwards nothing more."""

import time

import pytest

from intercom_sink.testing.intercom import Behaviour, FakeIntercom, after, rate_limited, reply
from testbed.proxy import Proxy
from tests.support.durations import SLACK
from tests.support.messages import message, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue, changed_url, port_of

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [(rate_limited(12), [1, 1, 2]), (after(12, reply(200)), [1, 2])],
    ids=["a pause of 12 s", "a response after 12 s"],
)
def test_heartbeats_continue_during(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, behaviour: Behaviour, requests: list[int]
) -> None:
    """At a heartbeat of 2 s the broker would close a silent connection after 4 s, and deliver the message again."""
    intercom.script.append(behaviour)
    queue.publish(message(1), message(2))
    began = time.monotonic()
    sink = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=changed_url(queue.url) + "?heartbeat=2")
    assert sink.wait() == 0, sink.stderr
    assert time.monotonic() - began > 12
    assert len(sink.logs("consuming")) == 1, "one connection for all of it"
    assert sink.logs("RabbitMQ unavailable") == []
    assert numbers(intercom) == requests
    assert [entry["path"] for entry in sink.logs("delivered")] == ["/contacts/1", "/contacts/2"]


def test_silent_network_is_noticed_by_missed_heartbeats(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    with Proxy(port_of(queue.url)) as proxy:
        sink = start_sink(queue, CJW_RABBITMQ_HOST=changed_url(queue.url, port=proxy.port) + "?heartbeat=2")
        sink.wait_for("consuming")
        proxy.freeze()
        began = time.monotonic()
        assert "eartbeat" in sink.wait_for("RabbitMQ unavailable")["reason"]
        assert time.monotonic() - began < 10 + SLACK
        sink.wait_for("consuming", count=2)
        queue.publish(message(1))
        sink.wait_for("delivered")
        assert sink.stop() == 0
    assert numbers(intercom) == [1]
