"""A broker that is short of memory blocks those who publish to it. Both tests use one broker of their own."""

import time

import pytest

from intercom_sink import BrokerUnavailable, PublishStatus
from intercom_sink.testing.intercom import FakeIntercom, reply
from testbed.rabbitmq import Node
from tests.contracts.message_publisher import REQUEST
from tests.support.messages import message, numbers
from tests.support.nodes import memory_alarm
from tests.support.processes import StartSink
from tests.support.publishers import async_publisher, sync_publisher
from tests.support.queues import DeadLetterQueue, Queue, changed_url


def test_memory_alarm_delays_dead_letters_and_costs_no_connection(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """A broker that is short of memory blocks publishers: the sink waits with the first dead letter, and loses none."""
    queue = Queue(node.url)
    queue.declare()
    dead_letters = DeadLetterQueue(queue)
    dead_letters.declare()
    intercom.default = reply(400)
    queue.publish(message(1), message(2))
    host = changed_url(node.url) + "?blocked_connection_timeout=1"
    with memory_alarm(node):
        sink = start_sink(queue, "run", "--drain", **(dead_letters.variables | {"CJW_RABBITMQ_HOST": host}))
        assert "locked" in sink.wait_for("dead letter not confirmed")["reason"]
        assert len(intercom.requests) == 1
    assert sink.wait() == 0, sink.stderr
    assert len(sink.logs("consuming")) == 1, "the consumer's connection was never lost"
    assert sink.logs("RabbitMQ unavailable") == []
    assert numbers(intercom) == [1, 2]
    assert set(dead_letters.take_bodies()) == {message(1), message(2)}
    assert queue.take_all() == []


def test_memory_alarm_blocks_a_call_for_a_bounded_time(node: Node) -> None:
    queue = Queue(node.url)
    queue.declare()
    url = changed_url(node.url) + "?blocked_connection_timeout=1"
    with sync_publisher(url, queue.name) as one, async_publisher(url, queue.name) as other:
        with memory_alarm(node):
            for publisher in (one, other):
                began = time.monotonic()
                with pytest.raises(BrokerUnavailable) as caught:
                    publisher.publish(REQUEST)
                assert 0.9 < time.monotonic() - began < 10
                assert [result.status for result in caught.value.results] == [PublishStatus.UNKNOWN]
        for publisher in (one, other):
            publisher.publish(REQUEST)
    queue.delete()
