"""The sink and its broker, killed again and again in the middle of the work."""

import random
import signal

from testbed.intercom import Intercom, after, reply
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.integration.conftest import Queue, StartSink, lasting_queue, message
from tests.integration.test_lanes import names, publish
from tests.integration.test_stream import numbers

MESSAGES = 2000
KILLS = 20


def kill_and_then_drain(queue: Queue, intercom: Intercom, start_sink: StartSink, **settings: str) -> None:
    """Kills a sink at KILLS random moments, each time in the middle of the work; the last one does the rest."""
    for _ in range(KILLS):
        sink = start_sink(queue, **settings)
        goal = len(intercom.requests) + random.randint(1, MESSAGES // KILLS - 20)
        wait_until(lambda goal=goal: len(intercom.requests) >= goal, "some requests")  # type: ignore[misc]
        sink.send(signal.SIGKILL)
        sink.ended()
        wait_until(lambda: queue.consumers == 0, "the broker to notice")
    assert queue.depth > 0, "there was always work to be interrupted"
    last = start_sink(queue, "run", "--drain", **settings)
    assert last.ended(timeout=120) == 0, last.stderr


def assert_nothing_lost(sent: list[int], most_duplicates: int) -> None:
    assert set(sent) == set(range(MESSAGES)), "lost = 0"
    duplicates = len(sent) - MESSAGES
    print(f"sent {len(sent)}, duplicated {duplicates}, lost 0")
    assert duplicates <= most_duplicates


def test_sigkill_at_20_random_moments(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    intercom.otherwise = after(0.002, reply(200))
    queue.publish(*(message(number) for number in range(MESSAGES)))
    kill_and_then_drain(queue, intercom, start_sink)
    sent = numbers(intercom)
    assert_nothing_lost(sent, most_duplicates=KILLS * 10)
    assert list(dict.fromkeys(sent)) == list(range(MESSAGES)), "in order, apart from what was sent again"
    assert intercom.most_in_flight == 1


def test_sigkill_at_20_random_moments_with_8_lanes(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    intercom.otherwise = after(0.02, reply(200))
    publish(queue, MESSAGES, names(50))
    kill_and_then_drain(queue, intercom, start_sink, CJW_INTERCOM_CONCURRENCY="8")
    sent = numbers(intercom)
    assert_nothing_lost(sent, most_duplicates=KILLS * 80)
    for key in range(50):
        of_key = [number for number in sent if number % 50 == key]
        assert list(dict.fromkeys(of_key)) == list(range(key, MESSAGES, 50)), "in order, apart from what was sent again"
    assert intercom.most_in_flight <= 16, "those of the killed one may not have ended before the next one begins"


def test_the_broker_killed_5_times(node: Node, intercom: Intercom, start_sink: StartSink) -> None:
    kills = 5
    queue = lasting_queue(node)
    intercom.otherwise = after(0.002, reply(200))
    queue.publish(*(message(number) for number in range(MESSAGES)))
    sink = start_sink(queue, "run", "--drain")
    for _ in range(kills):
        goal = len(intercom.requests) + random.randint(20, MESSAGES // kills // 2)
        wait_until(lambda goal=goal: len(intercom.requests) >= goal, "some requests", explain=lambda: sink.stderr)  # type: ignore[misc]
        node.kill()
        node.start()
    sent_between_kills = len(intercom.requests)
    assert sink.ended(timeout=120) == 0, sink.stderr
    assert_nothing_lost(numbers(intercom), most_duplicates=sent_between_kills)
