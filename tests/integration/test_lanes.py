"""Requests side by side: the order of each key, the pace of all, and every kind of end."""

import signal
from collections.abc import Iterable
from itertools import cycle, islice, pairwise

import pytest

from intercom_sink import decode
from testbed.intercom import Behaviour, Intercom, after, error, rate_limited, reply, reset, windowed
from testbed.rabbitmq import Node
from testbed.rate_window import RateWindow
from testbed.waiting import wait_until
from tests.integration.conftest import Letters, Queue, StartSink, message
from tests.integration.test_stream import numbers

LANES = 8


def publish(queue: Queue, count: int, keys: Iterable[str | None]) -> None:
    """Messages 0 to count - 1, with these keys in turn; the data names the key too, for the checks."""
    chosen = list(islice(cycle(keys), count))
    queue.publish(*(message(number, key=key) for number, key in enumerate(chosen)), keys=chosen)


def names(count: int) -> list[str]:
    return [f"key {number}" for number in range(count)]


def assert_each_key_in_order(intercom: Intercom) -> None:
    """No two requests of one key overlap, and each key's numbers rise, apart from what is sent again."""
    by_key: dict[str, list[int]] = {}
    open_until: dict[str, float] = {}
    for request in intercom.requests:
        key, number = request.data["key"], request.data["number"]
        assert open_until.get(key, 0) <= request.began, f"two of {key} are in flight"
        assert request.ended is not None
        open_until[key] = request.ended
        by_key.setdefault(key, []).append(number)
    for key, sent in by_key.items():
        assert list(dict.fromkeys(sent)) == sorted(set(sent)), key


def test_each_key_is_sent_in_order_and_the_keys_side_by_side(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.otherwise = after(0.02, reply(200))
    publish(queue, 400, names(20))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(400)), "each exactly once"
    assert intercom.most_in_flight == LANES
    assert_each_key_in_order(intercom)
    assert len({request.connection for request in intercom.requests}) == LANES, "the connections are kept alive"
    assert sink.stdout == "400 messages settled: 400 delivered\n"
    assert queue.take_all() == []


def test_at_concurrency_1_the_order_is_the_queues_whatever_the_keys(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    publish(queue, 100, names(10))
    assert start_sink(queue, "run", "--drain").ended() == 0
    assert numbers(intercom) == list(range(100))
    assert intercom.most_in_flight == 1


def test_messages_without_a_key_are_one_lane_beside_the_others(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.otherwise = after(0.02, reply(200))
    publish(queue, 100, [None, "a", None, "b"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(100))
    assert intercom.most_in_flight == 3
    assert_each_key_in_order(intercom)


def test_a_key_of_any_type_is_a_key(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    intercom.otherwise = after(0.02, reply(200))
    kinds: list[object] = [5, b"\xff", True, ["list"], {"a": 1}, "text", ""]
    queue.publish(*(message(number, key=str(number % 7)) for number in range(70)), keys=islice(cycle(kinds), 70))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(70))
    assert intercom.most_in_flight == len(kinds)
    assert_each_key_in_order(intercom)


def test_a_malformed_message_takes_its_place_in_its_lane(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    queue.publish(message(1), b"\xc1", message(2), message(3), keys=["a", "a", "a", "b"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    assert sorted(numbers(intercom)) == [1, 2, 3]
    assert len(sink.logs("malformed message given up")) == 1
    assert queue.take_all() == []


def test_a_50x_holds_back_its_own_key_alone(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    intercom.script.append(reply(503))
    intercom.otherwise = after(0.02, reply(200))
    publish(queue, 40, ["a", "b", "c", "d"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    (first,) = sink.logs("to be sent again")
    failed, again = (request for request in intercom.requests if request.path == first["path"])
    meanwhile = [r.data["key"] for r in intercom.requests if failed.began < r.began < again.began]
    assert again.began - failed.began >= 0.5
    assert sorted(meanwhile) == sorted(["b", "c", "d"] * 10), "all of the other keys, and none of its own"
    assert_each_key_in_order(intercom)


@pytest.mark.parametrize(
    ("behaviour", "least"), [(rate_limited(2), 1.0), (reset, 0.5)], ids=["a 429", "no answer"]
)  # `Date` is in whole seconds
def test_what_is_about_intercom_holds_back_all_and_then_one_goes_ahead(
    queue: Queue, intercom: Intercom, start_sink: StartSink, behaviour: Behaviour, least: float
) -> None:
    intercom.script += [after(0.02, reply(200))] * 41 + [behaviour]
    intercom.otherwise = after(0.2, reply(200))
    publish(queue, 100, names(20))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    struck = intercom.requests[41]
    assert struck.ended is not None
    later = [request.began for request in intercom.requests if request.began > struck.ended + 0.05]
    assert later[0] - struck.ended >= least, "all are held back"
    assert later[1] - later[0] >= 0.2, "one goes ahead"
    assert sum(later[1] <= began < later[1] + 0.1 for began in later) == LANES, "and then the others"
    assert sorted(set(numbers(intercom))) == list(range(100))
    assert_each_key_in_order(intercom)


@pytest.mark.parametrize(("concurrency", "reserve"), [(1, 0.0), (LANES, 0.0), (LANES, 0.5)])
def test_every_window_is_used_up_to_the_reserve_and_no_429_is_earned(
    queue: Queue, intercom: Intercom, start_sink: StartSink, concurrency: int, reserve: float
) -> None:
    window = RateWindow(40, seconds=2)
    may_go = int(40 * (1 - reserve))
    intercom.otherwise = windowed(window)
    publish(queue, 4 * may_go, names(20))
    variables = {"CJW_INTERCOM_CONCURRENCY": str(concurrency), "CJW_INTERCOM_RATE_RESERVE": str(reserve)}
    sink = start_sink(queue, "run", "--drain", **variables)
    assert sink.ended() == 0, sink.stderr
    assert sorted(numbers(intercom)) == list(range(4 * may_go))
    assert window.refused == 0
    _, *complete, _ = (window.admitted[begin] for begin in sorted(window.admitted))
    assert complete
    assert set(complete) == {may_go}
    assert max(window.admitted.values()) == may_go


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_at_a_stop_what_is_in_flight_is_settled_and_the_rest_goes_back_in_order(
    queue: Queue, intercom: Intercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    intercom.script.append(reply(200))
    intercom.otherwise = after(1, reply(200))
    publish(queue, 200, names(20))
    sink = start_sink(queue, CJW_INTERCOM_CONCURRENCY=str(LANES))
    wait_until(lambda: len(intercom.requests) == 1 + LANES, "all lanes at work")
    sink.send(signum)
    assert sink.ended() == 0, sink.stderr
    assert len(intercom.requests) == 1 + LANES, "nothing further was sent"
    left = [decode(body).path for body, _ in queue.take_all()]
    sent = {request.path for request in intercom.requests}
    assert left == [f"/contacts/{number}" for number in range(200) if f"/contacts/{number}" not in sent]


def test_a_connection_lost_costs_duplicates_and_neither_order_nor_messages(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare(arguments={"x-queue-type": "quorum"})
    intercom.otherwise = after(0.05, reply(200))
    publish(queue, 400, names(20))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    wait_until(lambda: len(intercom.requests) > 50, "the sink at work")
    node.ctl("close_all_connections", "by the operator")
    sink.wait_for("RabbitMQ lost")
    assert sink.ended() == 0, sink.stderr
    sent = numbers(intercom)
    assert set(sent) == set(range(400)), "lost = 0"
    assert len(sent) - 400 <= 10 * LANES, "duplicated: no more than were unacked"
    assert_each_key_in_order(intercom)


def test_a_hot_key_does_not_keep_the_others_waiting(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    intercom.otherwise = after(0.05, reply(200))
    publish(queue, 140, ["hot", "a", "hot", "b"])
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    keys = [request.data["key"] for request in intercom.requests]
    others = [index for index, key in enumerate(keys) if key != "hot"]
    assert keys.count("hot") == 70
    assert others[-1] < len(keys) - 20, "they are done while the hot one still has a long way to go"
    for earlier, later in pairwise(index for index, key in enumerate(keys) if key == "hot"):
        assert later - earlier <= LANES, "nor do they keep it waiting"


def test_what_is_refused_side_by_side_is_kept_and_replayed_with_its_key(
    queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.otherwise = error(401, "unauthorized")
    publish(queue, 200, names(10))
    sink = start_sink(queue, "run", "--drain", **letters.variables, CJW_INTERCOM_CONCURRENCY=str(LANES))
    assert sink.ended() == 0, sink.stderr
    assert (queue.depth, letters.depth) == (0, 200), "lost = 0"
    assert letters.run("replay").returncode == 0
    assert (queue.depth, letters.depth) == (200, 0)
    kept: dict[object, list[bytes]] = {}
    for body, key in queue.take_all_with_keys():
        kept.setdefault(key, []).append(body)
    assert kept == {key: [message(n, key=key) for n in range(index, 200, 10)] for index, key in enumerate(names(10))}
