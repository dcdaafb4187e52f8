"""Concurrency above 1: the order of each key, one rate limit for all lanes, and every kind of end."""

import math
import signal
import threading
from itertools import cycle, islice

import pytest

from intercom_sink import decode
from intercom_sink.testing.intercom import (
    Behaviour,
    FakeIntercom,
    after,
    after_event,
    error,
    garbage,
    rate_limited,
    reply,
)
from intercom_sink.testing.intercom.rate_window import RateWindow
from testbed.rabbitmq import Node
from tests.support.dead_letters import run_dead_letters
from tests.support.messages import key_names, message, numbers, publish_with_keys
from tests.support.nodes import close_connections
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue

LANES = 8


def assert_each_key_in_order(intercom: FakeIntercom) -> None:
    """No two requests of one key overlap, and each key's numbers rise, apart from what is sent again."""
    by_key: dict[str, list[int]] = {}
    ended_at: dict[str, float] = {}
    for request in intercom.requests:
        key, number = request.data["key"], request.data["number"]
        assert ended_at.get(key, 0) <= request.arrived_at, f"two of {key} are in flight"
        assert request.ended_at is not None
        ended_at[key] = request.ended_at
        by_key.setdefault(key, []).append(number)
    for key, sent in by_key.items():
        assert list(dict.fromkeys(sent)) == sorted(set(sent)), key


def test_each_key_is_sent_in_order_beside_the_others(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.default = after(0.02, reply(200))
    publish_with_keys(queue, 400, key_names(20))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(400)), "each exactly once"
    assert intercom.max_in_flight == LANES
    assert_each_key_in_order(intercom)
    assert len({request.client_port for request in intercom.requests}) == LANES, "the connections are kept alive"
    assert sink.stdout == "400 messages processed: 400 delivered\n"
    assert queue.take_all() == []


def test_concurrency_1_keeps_the_order_of_the_queue_despite_keys(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    publish_with_keys(queue, 100, key_names(10))
    assert start_sink(queue, "run", "--drain").wait() == 0
    assert numbers(intercom) == list(range(100))
    assert intercom.max_in_flight == 1


def test_messages_without_a_key_share_one_lane(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    intercom.default = after(0.02, reply(200))
    publish_with_keys(queue, 100, [None, "a", None, "b"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(100))
    assert intercom.max_in_flight == 3
    assert_each_key_in_order(intercom)


def test_ordering_key_may_be_of_any_type(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    intercom.default = after(0.02, reply(200))
    kinds: list[object] = [5, b"\xff", True, ["list"], {"a": 1}, "text", ""]
    queue.publish(*(message(number, key=str(number % 7)) for number in range(70)), keys=islice(cycle(kinds), 70))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(70))
    assert intercom.max_in_flight == len(kinds)
    assert_each_key_in_order(intercom)


def test_malformed_message_keeps_its_place_in_its_lane(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue.publish(message(1), b"\xc1", message(2), message(3), keys=["a", "a", "a", "b"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    assert sorted(numbers(intercom)) == [1, 2, 3]
    assert len(sink.logs("malformed")) == 1
    assert queue.take_all() == []


def test_5xx_delays_its_own_key_alone(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    intercom.script.append(reply(503))
    intercom.default = after(0.02, reply(200))
    publish_with_keys(queue, 40, ["a", "b", "c", "d"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    (line,) = sink.logs("retry scheduled")
    failed, retry = (request for request in intercom.requests if request.path == line["path"])
    meanwhile = [r.data["key"] for r in intercom.requests if failed.arrived_at < r.arrived_at < retry.arrived_at]
    assert retry.arrived_at - failed.arrived_at >= 0.5
    others = {"a", "b", "c", "d"} - {failed.data["key"]}  # any of the four may be sent first
    assert sorted(meanwhile) == sorted([*others] * 10), "all messages of the other keys, and none of its own"
    assert_each_key_in_order(intercom)


@pytest.mark.parametrize(
    ("behaviour", "min_pause"), [(rate_limited(2), 1.0), (garbage, 0.5)], ids=["a 429", "no response"]
)  # `Date` is in whole seconds
def test_all_lanes_pause_then_one_probe_is_sent_before_the_rest(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, behaviour: Behaviour, min_pause: float
) -> None:
    intercom.script += [after(0.02, reply(200))] * 41 + [behaviour]
    intercom.default = after(0.2, reply(200))
    publish_with_keys(queue, 100, key_names(20))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    failed = intercom.requests[41]
    assert failed.ended_at is not None
    probe, *others = [request for request in intercom.requests if request.arrived_at > failed.ended_at + 0.25]
    assert probe.arrived_at - failed.ended_at >= min_pause, "all lanes pause"
    assert others[0].arrived_at - probe.arrived_at >= 0.2, "the others wait for the response to the probe"
    resumed = others[:LANES]
    first_end = min(request.ended_at or math.inf for request in resumed)
    assert all(request.arrived_at < first_end for request in resumed), "then all lanes send at once"
    assert others[LANES].arrived_at >= first_end
    assert sorted(set(numbers(intercom))) == list(range(100))
    assert_each_key_in_order(intercom)


@pytest.mark.parametrize(("concurrency", "reserve"), [(1, 0.0), (LANES, 0.0), (LANES, 0.5)])
def test_each_rate_window_is_used_up_to_the_reserve_without_a_429(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, concurrency: int, reserve: float
) -> None:
    window = RateWindow(20, seconds=2)  # one request after the other takes a quarter of that time
    available = int(window.limit * (1 - reserve))
    intercom.window, intercom.latency = window, 0.02
    publish_with_keys(queue, 4 * available, key_names(20))
    variables = {"CJW_INTERCOM_CONCURRENCY": str(concurrency), "CJW_INTERCOM_RATE_RESERVE": str(reserve)}
    sink = start_sink(queue, "run", "--drain", **variables)
    assert sink.wait() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(4 * available))
    assert window.refused == 0
    _, *complete, _ = (window.admitted[begin] for begin in sorted(window.admitted))
    assert complete
    assert set(complete) == {available}
    assert max(window.admitted.values()) == available


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_stop_finishes_what_is_in_flight_and_requeues_the_rest_in_order(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    stopping = threading.Event()
    intercom.script.append(reply(200))
    intercom.default = after_event(stopping, after(0.2, reply(200)))
    publish_with_keys(queue, 200, key_names(20))
    sink = start_sink(queue, CJW_INTERCOM_CONCURRENCY=str(LANES))
    intercom.wait_for(1 + LANES)
    sink.send(signum)
    sink.wait_for("stopping")
    stopping.set()
    assert sink.wait() == 0, sink.stderr
    assert len(intercom.requests) == 1 + LANES, "nothing further was sent"
    requeued = [decode(body).path for body in queue.take_bodies()]
    sent = {request.path for request in intercom.requests}
    assert requeued == [f"/contacts/{number}" for number in range(200) if f"/contacts/{number}" not in sent]


def test_lost_connection_costs_duplicates_but_neither_order_nor_messages(
    node: Node, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare(arguments={"x-queue-type": "quorum"})
    lost = threading.Event()
    intercom.script += [after(0.05, reply(200))] * 50 + [after_event(lost, reply(200))] * LANES
    intercom.default = after(0.05, reply(200))
    publish_with_keys(queue, 400, key_names(20))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    intercom.wait_for(50 + LANES)
    close_connections(node, "guest", "by the operator")
    sink.wait_for("RabbitMQ unavailable")
    lost.set()
    assert sink.wait() == 0, sink.stderr
    sent = numbers(intercom)
    assert set(sent) == set(range(400)), "lost = 0"
    assert LANES <= len(sent) - 400 <= 10 * LANES, "duplicated: what was in flight, and no more than was unacked"
    assert_each_key_in_order(intercom)


@pytest.mark.parametrize(("slow", "others"), [("busy", 20), ("a", 30)])
def test_slow_key_does_not_delay_the_others(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, slow: str, others: int
) -> None:
    """Be it the key of every second message, or one that is rarer than the others."""
    responding = threading.Event()
    intercom.default = lambda exchange: (
        after_event(responding, reply(200)) if exchange.request.data["key"] == slow else reply(200)
    )(exchange)
    publish_with_keys(queue, 1, ["first"])  # is sent alone, whatever its key
    publish_with_keys(queue, 40, ["busy", "a", "busy", "b"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    requests = intercom.wait_for(2 + others)
    assert [request.data["key"] for request in requests].count(slow) == 1
    responding.set()
    assert sink.wait() == 0, sink.stderr
    assert_each_key_in_order(intercom)


def test_rejected_messages_are_dead_lettered_and_replayed_with_their_keys(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.default = error(401, "unauthorized")
    publish_with_keys(queue, 200, key_names(10))
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables, CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.wait() == 0, sink.stderr
    assert (queue.depth, dead_letters.depth) == (0, 200), "lost = 0"
    assert run_dead_letters(dead_letters, "replay").returncode == 0
    assert (queue.depth, dead_letters.depth) == (200, 0)
    replayed: dict[object, list[bytes]] = {}
    for body, key in queue.take_all_with_keys():
        replayed.setdefault(key, []).append(body)
    expected = {name: range(index, 200, 10) for index, name in enumerate(key_names(10))}
    assert replayed == {name: [message(number, key=name) for number in of_key] for name, of_key in expected.items()}
