"""The queue: used as it stands, declared if it does not exist, deleted while the sink runs, shared by replicas."""

import signal
from collections.abc import Iterator

import pytest

from intercom_sink.adapters.rabbitmq.source import MIN_PREFETCH
from intercom_sink.testing.intercom import FakeIntercom, after, rate_limited, reply
from testbed.waiting import wait_until
from tests.support.messages import message, messages, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue, temporary_queue


@pytest.mark.parametrize(
    "options",
    [
        {"arguments": {"x-queue-type": "quorum"}},
        {"arguments": {"x-message-ttl": 600_000, "x-max-priority": 5, "x-single-active-consumer": True}},
        {"durable": False},
    ],
    ids=["quorum", "other arguments", "not durable"],
)
def test_queue_is_used_as_it_stands(
    rabbitmq: str, intercom: FakeIntercom, start_sink: StartSink, options: dict[str, object]
) -> None:
    with temporary_queue(rabbitmq, **options) as queue:
        queue.publish(*messages(20))
        sink = start_sink(queue, "run", "--drain")
        assert sink.wait() == 0, sink.stderr
        assert numbers(intercom) == list(range(20))


def test_queue_that_does_not_exist_is_declared_durable(
    rabbitmq: str, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue = Queue(rabbitmq)
    sink = start_sink(queue)
    sink.wait_for("consuming")
    queue.declare(durable=True)  # the broker would refuse another durability
    queue.publish(message(1))
    sink.wait_for("delivered")
    assert sink.stop() == 0
    queue.delete()


def test_deleted_queue_is_a_fault_and_not_the_end(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    sink = start_sink(queue)
    sink.wait_for("consuming")
    queue.delete()
    assert "cancelled" in sink.wait_for("RabbitMQ unavailable")["reason"]
    sink.wait_for("consuming", count=2)
    queue.publish(message(1))
    sink.wait_for("delivered")
    assert sink.stop() == 0


def test_queue_deleted_and_declared_again_costs_only_what_was_in_it(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """It happens in the middle of the work; what is published from then on is sent once each, in order."""
    intercom.default = after(0.005, reply(200))
    queue.publish(*messages(400))
    sink = start_sink(queue)
    intercom.wait_for(51)
    queue.delete()
    sink.wait_for("RabbitMQ unavailable")
    queue.declare()
    sent_before = numbers(intercom)
    queue.publish(*(message(number) for number in range(400, 600)))
    sink.wait_for("consuming", count=2)
    wait_until(lambda: numbers(intercom)[-1:] == [599], "the rest to be sent", explain=sink.explain)
    assert sink.stop() == 0
    assert sent_before == list(range(len(sent_before))), "the operator deleted the others, with the queue"
    assert 50 < len(sent_before) < 400
    assert numbers(intercom) == sent_before + list(range(400, 600))
    assert queue.take_all() == []


@pytest.fixture
def single_active(rabbitmq: str) -> Iterator[Queue]:
    """A queue whose broker delivers to one of its consumers at a time."""
    with temporary_queue(rabbitmq, arguments={"x-single-active-consumer": True}) as queue:
        yield queue


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_standby_drains_in_order_once_the_active_consumer_is_gone(
    single_active: Queue, intercom: FakeIntercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    """Until then it does not take the queue for drained, although it gets no message."""
    queue = single_active
    count = MIN_PREFETCH + 20
    queue.publish(*messages(count))
    intercom.script.append(rate_limited(60))
    active = start_sink(queue)
    active.wait_for("retry scheduled")
    standby = start_sink(queue, "run", "--drain")
    standby.wait_for("consuming")
    wait_until(lambda: (queue.consumers, queue.depth) == (2, 20), "the active one to hold its prefetch")
    assert standby.process.poll() is None, "the queue is not empty"
    active.send(signum)
    active.wait()
    assert standby.wait() == 0, standby.stderr
    assert numbers(intercom) == [0, *range(count)]


def test_replica_continues_in_order_after_the_active_one_is_killed(
    single_active: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """None is lost; sent again is no more than was unacked, and the rest stays in order."""
    queue = single_active
    intercom.default = after(0.005, reply(200))
    active = start_sink(queue)
    active.wait_for("consuming")
    standby = start_sink(queue)
    standby.wait_for("consuming")
    queue.publish(*messages(400))
    intercom.wait_for(51)
    active.send(signal.SIGKILL)
    active.wait()
    wait_until(lambda: bool(intercom.requests) and numbers(intercom)[-1] == 399, "the standby to finish")
    assert standby.stop() == 0
    sent = numbers(intercom)
    assert sorted(set(sent)) == list(range(400)), "lost = 0"
    assert list(dict.fromkeys(sent)) == list(range(400)), "in order, apart from what was sent again"
    assert len(sent) - 400 <= 10, "duplicated"
    assert queue.depth == 0
