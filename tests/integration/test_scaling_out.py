"""Scaling out: an exchange that shards by ordering key, a sink and a standby for each of its queues."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from intercom_sink.testing.intercom import FakeIntercom, after, reply
from testbed import amqp
from testbed.rabbitmq import Node
from testbed.sink_process import SinkProcess
from testbed.waiting import wait_until
from tests.support.documents import sharding_example
from tests.support.messages import key_names, message, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue

KEYS = [*key_names(20), None]
EXCHANGE = "intercom"
LANES = 4
MAX_UNACKED = 10 * LANES
KILLS = 3


@dataclass
class Shard:
    """One of the queues, with its sinks; the first of those that run is the active one."""

    queue: Queue
    start_sink: StartSink
    started: list[SinkProcess] = field(default_factory=list)
    running: list[SinkProcess] = field(default_factory=list)

    def start(self) -> SinkProcess:
        """Starts one more sink."""
        sink = self.start_sink(self.queue, CJW_INTERCOM_CONCURRENCY=str(LANES))
        self.started.append(sink)
        self.running.append(sink)
        return sink

    def kill_active(self) -> None:
        """Ends the active sink as a crash would."""
        active = self.running.pop(0)
        active.send(signal.SIGKILL)
        active.wait()

    def stop_active(self) -> None:
        """Stops the active sink in good order."""
        assert self.running.pop(0).stop() == 0

    def delivered_keys(self) -> set[str | None]:
        """The ordering keys of the messages that its sinks have delivered, as their logs say."""
        paths = {line["path"] for sink in self.started for line in sink.logs("delivered")}
        return {KEYS[int(path.removeprefix("/contacts/")) % len(KEYS)] for path in paths}


class Producer:
    """Publishes messages through the exchange, one for each key in turn.

    Attributes:
        published: how many messages the broker has confirmed.
    """

    def __init__(self, url: str, intercom: FakeIntercom) -> None:
        self.published = 0
        self._url = url
        self._intercom = intercom

    def publish(self) -> None:
        """Publishes one message for each key."""
        bodies = [message(self.published + index, key=key) for index, key in enumerate(KEYS)]
        amqp.publish(self._url, "", bodies, KEYS, EXCHANGE)
        self.published += len(KEYS)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Publishes during the block, so that there is always work to interrupt, but never more than a few seconds'."""
        stopping = threading.Event()

        def run() -> None:
            while not stopping.wait(0.01):
                if self.published < len(self._intercom.requests) + 5 * len(KEYS):
                    self.publish()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()


def start_sinks(*shards: Shard) -> None:
    """Starts one more sink for each; returns once each is a consumer of its queue."""
    for sink in [shard.start() for shard in shards]:
        sink.wait_for("consuming")


@pytest.fixture
def shards(node: Node, start_sink: StartSink) -> list[Shard]:
    """The queues of the example in docs/how-to/scale-out.md, which declares them and an exchange; no sink runs yet."""
    exec(sharding_example(node.url), {})
    return [Shard(Queue(node.url, name), start_sink) for name in ("intercom.1", "intercom.2")]


def test_sharded_keys_keep_their_order_while_sinks_come_and_go(shards: list[Shard], intercom: FakeIntercom) -> None:
    """Messages are published all the while. Sinks are stopped, killed and started; one queue has none for a while.

    A kill may cost duplicates, but no message, and no key its order. Messages without a key are in one queue, in order.
    """
    first, second = shards
    intercom.default = after(0.04, reply(200))
    producer = Producer(first.queue.url, intercom)
    producer.publish()
    wait_until(lambda: first.queue.depth + second.queue.depth == len(KEYS), "the queues to hold them")
    assert min(first.queue.depth, second.queue.depth) > 0, "both have messages"

    def let_them_work() -> None:
        intercom.wait_for(len(intercom.requests) + 30)

    start_sinks(first, second)
    start_sinks(first, second)  # the standbys
    with producer.publishing():
        let_them_work()
        first.kill_active()
        second.stop_active()
        let_them_work()
        start_sinks(first, second)
        first.stop_active()
        second.kill_active()
        let_them_work()
        first.kill_active()
        first.queue.wait_for_more_than(MAX_UNACKED)
        start_sinks(first, first)
        let_them_work()
    sent_of = producer.published
    wait_until(lambda: len(set(numbers(intercom))) == sent_of, "all to be sent", explain=lambda: numbers(intercom))

    assert [sink.stop() for shard in shards for sink in shard.running] == [0, 0, 0]
    sent = numbers(intercom)
    assert set(sent) == set(range(producer.published)), "lost = 0"
    assert len(sent) - producer.published <= KILLS * MAX_UNACKED, "duplicated"
    for index, key in enumerate(KEYS):
        of_key = [number for number in sent if number % len(KEYS) == index]
        assert list(dict.fromkeys(of_key)) == list(range(index, producer.published, len(KEYS))), f"{key!r} in order"
    assert first.delivered_keys() | second.delivered_keys() == set(KEYS)
    assert first.delivered_keys() & second.delivered_keys() == set(), "each key is in one queue"
    assert [shard.queue.depth for shard in shards] == [0, 0]
