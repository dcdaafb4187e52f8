"""The sink, and its broker, killed again and again while at work."""

import random
import signal

import pytest

from intercom_sink.adapters.rabbitmq.source import MIN_PREFETCH
from intercom_sink.testing.intercom import FakeIntercom, after, reply
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.support.messages import key_names, messages, numbers, publish_with_keys
from tests.support.processes import StartSink
from tests.support.queues import Queue, queue_on_disk

pytestmark = pytest.mark.real_processes

MESSAGES = 2000
KILLS = 20


def kill_and_then_drain(queue: Queue, intercom: FakeIntercom, start_sink: StartSink, **variables: str) -> None:
    """Kills a sink at KILLS random moments, each time while it is at work; the last one does the rest."""
    for _ in range(KILLS):
        sink = start_sink(queue, **variables)
        more = random.randint(1, MESSAGES // KILLS - 20)
        intercom.wait_for(len(intercom.requests) + more, explain=sink.explain)
        sink.send(signal.SIGKILL)
        sink.wait()
        wait_until(lambda: queue.consumers == 0, "the broker to notice")
    assert queue.depth > 0, "there was always work to interrupt"
    last = start_sink(queue, "run", "--drain", **variables)
    assert last.wait(timeout=120) == 0, last.stderr


def assert_nothing_lost(sent: list[int], max_duplicates: int) -> None:
    assert set(sent) == set(range(MESSAGES)), "lost = 0"
    duplicates = len(sent) - MESSAGES
    print(f"sent {len(sent)}, duplicated {duplicates}, lost 0")
    assert duplicates <= max_duplicates


def test_sigkill_at_20_random_moments_loses_nothing(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.default = after(0.002, reply(200))
    queue.publish(*messages(MESSAGES))
    kill_and_then_drain(queue, intercom, start_sink)
    sent = numbers(intercom)
    assert_nothing_lost(sent, max_duplicates=KILLS * MIN_PREFETCH)
    assert list(dict.fromkeys(sent)) == list(range(MESSAGES)), "in order, apart from what was sent again"
    assert intercom.max_in_flight == 1


def test_sigkill_at_20_random_moments_loses_nothing_with_8_lanes(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.default = after(0.02, reply(200))
    publish_with_keys(queue, MESSAGES, key_names(50))
    kill_and_then_drain(queue, intercom, start_sink, CJW_INTERCOM_CONCURRENCY="8")
    sent = numbers(intercom)
    assert_nothing_lost(sent, max_duplicates=KILLS * 80)
    for key in range(50):
        of_key = [number for number in sent if number % 50 == key]
        assert list(dict.fromkeys(of_key)) == list(range(key, MESSAGES, 50)), "in order, apart from what was sent again"
    assert intercom.max_in_flight <= 16, "the requests of a killed sink may last until the next one sends"


def test_broker_killed_5_times_loses_nothing(node: Node, intercom: FakeIntercom, start_sink: StartSink) -> None:
    """One outage for the sink: no connection lasts for the seconds after which one is over."""
    kills = 5
    queue = queue_on_disk(node)
    intercom.default = after(0.002, reply(200))
    queue.publish(*messages(MESSAGES))
    sink = start_sink(queue, "run", "--drain", CJW_RABBITMQ_RECONNECT_TIMEOUT="300")
    for _ in range(kills):
        more = random.randint(20, MESSAGES // kills // 2)
        intercom.wait_for(len(intercom.requests) + more, explain=sink.explain)
        node.kill()
        node.start()
    sent_between_kills = len(intercom.requests)
    assert sink.wait(timeout=120) == 0, sink.stderr
    assert_nothing_lost(numbers(intercom), max_duplicates=sent_between_kills)
