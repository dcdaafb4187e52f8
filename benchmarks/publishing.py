"""Measures how fast `Publisher` publishes: one by one, and in a batch."""

import time
import uuid

from benchmarks.cases import Case
from benchmarks.messages import DATA, PATH
from benchmarks.results import Measure
from intercom_sink import IntercomRequest, Publisher
from testbed import amqp

REQUEST = IntercomRequest("POST", PATH, DATA)
SINGLES = 500
"""Messages that are published one by one: enough for a second or more."""
TURNS = 5
"""How often both take turns, so that noise falls on both."""


def measure_publishing(broker_url: str, case: Case) -> dict[Measure, float]:
    """Publishes SINGLES messages one by one and the case's messages in batches, in turns."""
    queue = f"benchmark-{uuid.uuid4().hex[:12]}"
    amqp.declare(broker_url, queue)
    try:
        with Publisher(broker_url, queue) as publisher:
            publisher.publish(REQUEST)  # connects
            turns = [_turn(publisher, SINGLES // TURNS, case.messages // TURNS) for _ in range(TURNS)]
        published = amqp.depth(broker_url, queue)
        assert published == 1 + SINGLES + case.messages, f"{published} messages are in the queue"
    finally:
        amqp.delete(broker_url, queue)
    singles, batches = (sum(seconds) for seconds in zip(*turns, strict=True))
    return {Measure.SINGLE_RATE: SINGLES / singles, Measure.BATCH_RATE: case.messages / batches}


def _turn(publisher: Publisher, singles: int, batch: int) -> tuple[float, float]:
    """Seconds to publish so many messages one by one, and so many in a batch."""
    began = time.perf_counter()
    for _ in range(singles):
        publisher.publish(REQUEST)
    between = time.perf_counter()
    publisher.publish_batch([REQUEST] * batch)
    return between - began, time.perf_counter() - between
