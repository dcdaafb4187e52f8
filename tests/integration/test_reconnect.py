"""RabbitMQ unavailable for a while: the sink reconnects, loses no message, and sends again only what was unacked."""

import threading

from intercom_sink.testing.intercom import FakeIntercom, after_event, rate_limited, reply, reset
from testbed.ports import free_ports
from testbed.proxy import Proxy
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.support.durations import SLACK
from tests.support.messages import message, messages, numbers
from tests.support.nodes import close_connections, memory_alarm, rabbit_settings
from tests.support.processes import StartSink
from tests.support.queues import Queue, changed_url, port_of, queue_on_disk


def test_reconnects_to_a_broker_that_stops_and_starts(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare()
    queue.publish(message(1))
    sink = start_sink(queue)
    sink.wait_for("delivered")
    acked = f"{queue.name}\t0\n"
    wait_until(lambda: acked in node.ctl("list_queues", "name", "messages"), "the ack to reach the broker")
    node.stop()
    lost = sink.wait_for("RabbitMQ unavailable")
    assert lost["level"] == "ERROR"
    assert str(node.url).rpartition("@")[2].rstrip("/") in lost["broker"]
    assert sink.wait_for("reconnecting")["level"] == "INFO"
    node.start()
    sink.wait_for("consuming", count=2)
    queue.publish(message(2))
    sink.wait_for("delivered", count=2)
    assert sink.stop() == 0
    assert numbers(intercom) == [1, 2]


def test_broker_killed_during_a_pause_ends_the_retries_and_redelivers(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """The message is sent once by the lost delivery, then by the new one, and never out of order."""
    queue = queue_on_disk(node)
    queue.publish(message(1), message(2))
    intercom.script.append(rate_limited(30))
    sink = start_sink(queue)
    sink.wait_for("retry scheduled")
    node.kill()
    sink.wait_for("requeued", timeout=SLACK)
    node.start()
    sink.wait_for("delivered", count=2)
    assert sink.stop() == 0
    assert numbers(intercom) == [1, 1, 2]
    assert queue.take_all() == []


def test_broker_killed_during_an_attempt_gets_no_ack_on_another_channel(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """The response comes once the sink consumes again. The message is sent again: its ack could not be sent."""
    queue = queue_on_disk(node)
    queue.publish(message(1), message(2))
    consuming_again = threading.Event()
    intercom.script.append(after_event(consuming_again, reply(200)))
    sink = start_sink(queue)
    intercom.wait_for(1)
    node.kill()
    node.start()
    sink.wait_for("consuming", count=2)
    consuming_again.set()
    sink.wait_for("delivered", count=2)
    assert sink.stop() == 0
    assert numbers(intercom) == [1, 1, 2]
    assert len(sink.logs("requeued")) == 1
    assert [entry["reason"] for entry in sink.logs("RabbitMQ unavailable") if "PRECONDITION" in entry["reason"]] == []


def test_sink_started_before_its_broker_waits_for_it(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    between = Proxy(port_of(queue.url))
    sink = start_sink(queue, CJW_RABBITMQ_HOST=changed_url(queue.url, port=between.port))
    sink.wait_for("RabbitMQ unavailable")
    with between:
        sink.wait_for("consuming")
        queue.publish(message(1))
        sink.wait_for("delivered")
        assert sink.stop() == 0


def test_next_of_several_urls_is_tried_without_delay(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    (port,) = free_ports(1)
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=f"127.0.0.1:{port}, {queue.url}")
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [1]
    assert [str(port) in entry["broker"] for entry in sink.logs("RabbitMQ unavailable")] == [True]
    assert [entry["delay"] for entry in sink.logs("reconnecting")] == [0]


def test_connections_closed_by_the_operator_cost_one_duplicate(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """No message is lost; the one in flight is sent again."""
    queue = Queue(node.url)
    queue.declare()
    lost = threading.Event()
    intercom.script.append(after_event(lost, reply(200)))
    queue.publish(*messages(20))
    sink = start_sink(queue, "run", "--drain")
    intercom.wait_for(1)
    close_connections(node, "guest", "by the operator")
    assert "by the operator" in sink.wait_for("RabbitMQ unavailable")["reason"]
    lost.set()
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [0, *range(20)]


def test_acknowledgement_timeout_while_intercom_is_down_loses_no_message(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """The broker closes a channel whose delivery is unacked for too long: the sink reconnects, and tries again."""
    queue = Queue(node.url)
    queue.declare()
    queue.publish(message(1), message(2))
    intercom.default = reset
    with rabbit_settings(node, consumer_timeout=2000, channel_tick_interval=500):
        sink = start_sink(queue)
        assert "delivery acknowledgement" in sink.wait_for("RabbitMQ unavailable")["reason"]
        sink.wait_for("requeued")
    intercom.default = reply(200)
    sink.wait_for("delivered", count=2)
    assert sink.stop() == 0
    assert set(numbers(intercom)) == {1, 2}
    assert [entry["path"] for entry in sink.logs("delivered")] == ["/contacts/1", "/contacts/2"]
    assert queue.take_all() == []


def test_memory_alarm_stops_neither_deliveries_nor_acks(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """None is lost, none is sent twice, and the connection stays."""
    queue = Queue(node.url)
    queue.declare()
    raised, cleared = threading.Event(), threading.Event()
    intercom.script += [reply(200)] * 100 + [after_event(raised, reply(200))]
    intercom.script += [reply(200)] * 200 + [after_event(cleared, reply(200))]
    queue.publish(*messages(400))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_TIMEOUT="300")
    wait_until(lambda: len(intercom.requests) == 101, "the sink at work")
    with memory_alarm(node):
        raised.set()
        wait_until(lambda: len(intercom.requests) == 302, "200 messages during the alarm", explain=sink.explain)
    cleared.set()
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == list(range(400))
    assert sink.logs("RabbitMQ unavailable") == []
    assert queue.take_all() == []
