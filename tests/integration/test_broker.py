"""What the broker does to the sink: slow, stopped, restarted, gone, refusing; and every kind of queue."""

import signal
import threading
import time

import pytest

from intercom_sink.adapters.rabbitmq.urls import parse_urls
from testbed import amqp
from testbed.intercom import Behaviour, Intercom, after, hang, once, rate_limited, reply, reset
from testbed.ports import free_ports
from testbed.proxy import Proxy
from testbed.rabbitmq import Node, make_node
from testbed.waiting import wait_until
from tests.integration.conftest import Queue, StartSink, changed_url, lasting_queue, message
from tests.integration.test_stream import numbers


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [(rate_limited(12), [1, 1, 2]), (after(12, reply(200)), [1, 2])],
    ids=["a pause of 12 s", "an answer after 12 s"],
)
def test_heartbeats_of_2_seconds_go_on_during(
    queue: Queue, intercom: Intercom, start_sink: StartSink, behaviour: Behaviour, requests: list[int]
) -> None:
    intercom.script.append(behaviour)
    queue.publish(message(1), message(2))
    began = time.monotonic()
    sink = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=changed_url(queue.url) + "?heartbeat=2")
    assert sink.ended() == 0, sink.stderr
    assert time.monotonic() - began > 12
    assert len(sink.logs("consuming")) == 1, "one connection for all of it"
    assert sink.logs("RabbitMQ lost") == []
    assert numbers(intercom) == requests, "nothing was delivered again"
    assert [entry["path"] for entry in sink.logs("settled")] == ["/contacts/1", "/contacts/2"]


def test_a_broker_that_stops_and_starts_again_is_found_again(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare()
    queue.publish(message(1))
    sink = start_sink(queue)
    sink.wait_for("settled")
    wait_until(lambda: node.ctl("list_queues", "messages").split()[-1] == "0", "the ack to reach the broker")
    node.stop()
    sink.wait_for("RabbitMQ lost")
    node.start()
    sink.wait_for("consuming", count=2)
    queue.publish(message(2))
    sink.wait_for("settled", count=2)
    assert sink.stop() == 0
    assert numbers(intercom) == [1, 2]


def test_a_broker_killed_in_a_pause_ends_the_retries_of_its_delivery_and_delivers_it_again(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = lasting_queue(node)
    queue.publish(message(1), message(2))
    intercom.script.append(rate_limited(30))
    sink = start_sink(queue)
    sink.wait_for("to be sent again")
    node.kill()
    sink.wait_for("left to be delivered again", timeout=5)
    node.start()
    sink.wait_for("settled", count=2)
    assert sink.stop() == 0
    assert numbers(intercom) == [1, 1, 2], "once by the lost delivery, then by the new one, and never out of order"
    assert queue.take_all() == []


def test_a_broker_killed_in_flight_gets_no_ack_on_another_channel(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = lasting_queue(node)
    queue.publish(message(1), message(2))
    intercom.script.append(after(3, reply(200)))
    sink = start_sink(queue)
    wait_until(lambda: len(intercom.requests) == 1, "the request")
    node.kill()
    node.start()
    sink.wait_for("settled", count=2)
    assert sink.stop() == 0
    assert numbers(intercom) == [1, 1, 2], "the answered message is delivered again, since its ack had nowhere to go"
    assert [entry["reason"] for entry in sink.logs("RabbitMQ lost") if "PRECONDITION" in entry["reason"]] == []


def test_a_broker_gone_for_good_crashes_the_sink_after_the_reconnect_timeout(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare()
    sink = start_sink(queue, CJW_RABBITMQ_RECONNECT_TIMEOUT="3")
    sink.wait_for("consuming")
    began = time.monotonic()
    node.stop()
    assert sink.ended() == 1
    assert 3 <= time.monotonic() - began < 20
    (line,) = sink.logs("gave up on RabbitMQ")
    assert line["level"] == "CRITICAL"
    assert "Connection refused" in line["reason"]
    assert "Traceback" not in sink.stderr


def test_with_a_reconnect_timeout_of_0_the_first_error_crashes(intercom: Intercom, start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    sink = start_sink(Queue(f"amqp://127.0.0.1:{port}"), CJW_RABBITMQ_RECONNECT_TIMEOUT="0")
    assert sink.ended() == 1
    assert sink.logs("RabbitMQ lost") == []


def test_a_sink_started_before_its_broker_waits_for_it(intercom: Intercom, start_sink: StartSink) -> None:
    node = make_node()
    try:
        queue = Queue(node.url)
        sink = start_sink(queue)
        sink.wait_for("RabbitMQ lost")
        node.start()
        sink.wait_for("consuming")
        queue.publish(message(1))
        sink.wait_for("settled")
        assert sink.stop() == 0
    finally:
        node.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"password": "wrong"}, "ACCESS_REFUSED"), ({"vhost": "no-such-vhost"}, "vhost no-such-vhost not found")],
    ids=["wrong password", "unknown vhost"],
)
def test_what_waiting_cannot_heal_crashes_at_once(
    queue: Queue, start_sink: StartSink, change: dict[str, str], reason: str
) -> None:
    sink = start_sink(queue, CJW_RABBITMQ_HOST=changed_url(queue.url, **change))
    assert sink.ended(timeout=10) == 1
    (line,) = sink.logs("gave up on RabbitMQ")
    assert reason in line["reason"]
    assert sink.logs("RabbitMQ lost") == [], "it was not tried again"


def test_a_queue_that_the_user_may_not_read_crashes_at_once(node: Node, start_sink: StartSink) -> None:
    queue = Queue(node.url)
    queue.declare()
    node.ctl("add_user", "stranger", "pass")
    node.ctl("set_permissions", "stranger", "", "", "")
    sink = start_sink(queue, CJW_RABBITMQ_HOST=changed_url(queue.url, user="stranger", password="pass"))
    assert sink.ended(timeout=10) == 1
    (line,) = sink.logs("gave up on RabbitMQ")
    assert "ACCESS_REFUSED" in line["reason"]
    assert sink.logs("RabbitMQ lost") == [], "it was not tried again"


@pytest.mark.parametrize(
    "options",
    [
        {"arguments": {"x-queue-type": "quorum"}},
        {"arguments": {"x-message-ttl": 600_000, "x-max-priority": 5, "x-single-active-consumer": True}},
        {"durable": False},
    ],
    ids=["quorum", "other arguments", "not durable"],
)
def test_the_queue_is_used_as_it_stands(
    rabbitmq: str, intercom: Intercom, start_sink: StartSink, options: dict[str, object]
) -> None:
    queue = Queue(rabbitmq)
    queue.declare(**options)
    queue.publish(*(message(number) for number in range(20)))
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == list(range(20))
    amqp.delete(rabbitmq, queue.name)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_standby_of_a_single_active_consumer_drains_in_order_once_it_is_its_turn(
    queue: Queue, intercom: Intercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    amqp.delete(queue.url, queue.name)
    queue.declare(arguments={"x-single-active-consumer": True})
    queue.publish(*(message(number) for number in range(30)))
    intercom.script.append(rate_limited(60))
    active = start_sink(queue)
    active.wait_for("to be sent again")
    standby = start_sink(queue, "run", "--drain")
    standby.wait_for("consuming")
    wait_until(lambda: (queue.consumers, queue.depth) == (2, 20), "the active one to hold 10 messages")
    assert standby.process.poll() is None, "the queue is not empty"
    active.send(signum)
    active.ended()
    assert standby.ended() == 0, standby.stderr
    assert numbers(intercom) == [0, *range(30)]


def test_an_operator_who_closes_every_connection_costs_a_reconnect(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare()
    intercom.script.append(after(4, reply(200)))
    queue.publish(*(message(number) for number in range(20)))
    sink = start_sink(queue, "run", "--drain")
    wait_until(lambda: len(intercom.requests) == 1, "the request")
    node.ctl("close_all_connections", "by the operator")
    assert "by the operator" in sink.wait_for("RabbitMQ lost")["reason"]
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == [0, *range(20)], "lost = 0, duplicated = the one in flight"


def test_the_acknowledgement_timeout_struck_while_intercom_is_down_costs_a_reconnect_and_no_message(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    node.ctl(
        "eval",
        "application:set_env(rabbit, consumer_timeout, 2000), application:set_env(rabbit, channel_tick_interval, 500).",
    )
    queue = Queue(node.url)
    queue.declare()
    queue.publish(message(1), message(2))
    intercom.otherwise = reset
    sink = start_sink(queue)
    assert "delivery acknowledgement" in sink.wait_for("RabbitMQ lost")["reason"]
    sink.wait_for("left to be delivered again")
    intercom.otherwise = reply(200)
    sink.wait_for("settled", count=2)
    assert sink.stop() == 0
    assert set(numbers(intercom)) == {1, 2}
    assert [entry["path"] for entry in sink.logs("settled")] == ["/contacts/1", "/contacts/2"]
    assert queue.take_all() == []


def test_a_network_that_falls_silent_is_noticed_by_its_heartbeats(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    (url,) = parse_urls(queue.url)
    with Proxy(url.parameters.port) as proxy:
        host = changed_url(queue.url).replace(f":{url.parameters.port}/", f":{proxy.port}/") + "?heartbeat=2"
        sink = start_sink(queue, CJW_RABBITMQ_HOST=host)
        sink.wait_for("consuming")
        proxy.freeze()
        began = time.monotonic()
        assert "eartbeat" in sink.wait_for("RabbitMQ lost")["reason"]
        assert time.monotonic() - began < 15
        sink.wait_for("consuming", count=2)
        queue.publish(message(1))
        sink.wait_for("settled")
        assert sink.stop() == 0
    assert numbers(intercom) == [1]


def test_of_two_replicas_on_a_single_active_consumer_queue_the_other_goes_on_in_order(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    amqp.delete(queue.url, queue.name)
    queue.declare(arguments={"x-single-active-consumer": True})
    intercom.otherwise = after(0.005, reply(200))
    active = start_sink(queue)
    active.wait_for("consuming")
    standby = start_sink(queue)
    standby.wait_for("consuming")
    queue.publish(*(message(number) for number in range(400)))
    wait_until(lambda: len(intercom.requests) > 50, "the active replica at work")
    active.send(signal.SIGKILL)
    active.ended()
    wait_until(lambda: bool(intercom.requests) and numbers(intercom)[-1] == 399, "the standby to finish")
    assert standby.stop() == 0
    sent = numbers(intercom)
    assert sorted(set(sent)) == list(range(400)), "lost = 0"
    assert list(dict.fromkeys(sent)) == list(range(400)), "in order, apart from what was sent again"
    assert len(sent) - 400 <= 10, "duplicated: no more than were unacked"
    assert queue.depth == 0


def test_a_queue_that_does_not_exist_is_declared_durable(
    rabbitmq: str, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(rabbitmq)
    sink = start_sink(queue)
    sink.wait_for("consuming")
    queue.declare(durable=True)  # another durability would be refused
    queue.publish(message(1))
    sink.wait_for("settled")
    assert sink.stop() == 0
    amqp.delete(rabbitmq, queue.name)


def test_a_deleted_queue_is_a_fault_and_not_an_end(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    sink = start_sink(queue)
    sink.wait_for("consuming")
    amqp.delete(queue.url, queue.name)
    assert "cancelled" in sink.wait_for("RabbitMQ lost")["reason"]
    sink.wait_for("consuming", count=2)
    queue.publish(message(1))
    sink.wait_for("settled")
    assert sink.stop() == 0


def test_a_queue_deleted_and_made_again_in_the_middle_of_the_work_costs_what_was_in_it_and_no_more(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.otherwise = after(0.005, reply(200))
    queue.publish(*(message(number) for number in range(400)))
    sink = start_sink(queue)
    wait_until(lambda: len(intercom.requests) > 50, "the sink at work")
    amqp.delete(queue.url, queue.name)
    sink.wait_for("RabbitMQ lost")
    queue.declare()
    sent_before = numbers(intercom)
    queue.publish(*(message(number) for number in range(400, 600)))
    sink.wait_for("consuming", count=2)
    wait_until(lambda: numbers(intercom)[-1:] == [599], "the rest to be sent", explain=lambda: sink.stderr)
    assert sink.stop() == 0
    assert sent_before == list(range(len(sent_before))), "the operator deleted the others, with the queue"
    assert 50 < len(sent_before) < 400
    assert numbers(intercom) == sent_before + list(range(400, 600)), "lost = 0, duplicated = 0 of the new ones"
    assert queue.take_all() == []


def test_a_memory_alarm_stops_neither_the_deliveries_nor_the_acks(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare()
    raised, cleared = threading.Event(), threading.Event()
    intercom.script += (
        [reply(200)] * 100 + [once(raised, reply(200))] + [reply(200)] * 200 + [once(cleared, reply(200))]
    )
    queue.publish(*(message(number) for number in range(400)))
    sink = start_sink(queue, "run", "--drain")
    wait_until(lambda: len(intercom.requests) == 101, "the sink at work")
    node.ctl("set_vm_memory_high_watermark", "absolute", "1")
    wait_until(lambda: "resource_limit,memory" in node.ctl("eval", "rabbit_alarm:get_alarms()."), "the alarm")
    raised.set()
    wait_until(lambda: len(intercom.requests) == 302, "200 messages during the alarm", explain=lambda: sink.stderr)
    node.ctl("set_vm_memory_high_watermark", "absolute", "1GB")
    wait_until(lambda: "memory" not in node.ctl("eval", "rabbit_alarm:get_alarms()."), "the alarm to end")
    cleared.set()
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == list(range(400)), "lost = 0, duplicated = 0"
    assert sink.logs("RabbitMQ lost") == []
    assert queue.take_all() == []


def test_of_several_urls_the_next_one_is_tried(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=f"127.0.0.1:{port}, {queue.url}")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == [1]
    assert [entry["pause"] for entry in sink.logs("RabbitMQ lost")] == [0], "no pause before the next URL"


def test_a_message_in_flight_at_sigkill_is_sent_again_first_after_a_restart(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(200), hang]
    queue.publish(message(1), message(2), message(3))
    first = start_sink(queue)
    wait_until(lambda: len(intercom.requests) == 2, "the second request")
    first.send(signal.SIGKILL)
    first.ended()
    second = start_sink(queue, "run", "--drain")
    assert second.ended() == 0, second.stderr
    assert numbers(intercom) == [1, 2, 2, 3]
