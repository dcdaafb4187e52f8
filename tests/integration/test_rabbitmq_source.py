"""RabbitMQSource keeps the promises of its port: the suite that the fake passes too, and what only RabbitMQ has."""

from collections.abc import Iterator

import pytest

from intercom_sink.adapters.rabbitmq.source import MIN_PREFETCH, RabbitMQSource
from intercom_sink.domain.events import ConnectionFailed, Consuming, Reconnecting
from intercom_sink.testing import RecordingMonitor
from testbed.proxy import Proxy
from testbed.waiting import wait_until
from tests.contracts.message_source import BODIES, Losses, MessageSourceContract, receive
from tests.support.brokers import fixed_brokers
from tests.support.queues import DeadLetterQueue, Queue, port_of


class RabbitMQSourceRig:
    """The source reaches the broker by a proxy that can cut the connection."""

    def __init__(self, queue: Queue, dead_letter_queue: Queue, proxy: Proxy) -> None:
        self.queue = queue
        self.dead_letter_queue = dead_letter_queue
        self.monitor = RecordingMonitor()
        self.losses = Losses()
        self.source = RabbitMQSource(
            fixed_brokers(queue.url.replace(str(port_of(queue.url)), str(proxy.port))),
            queue.name,
            self.monitor,
            dead_letter_queue=dead_letter_queue.name,
            drain=True,
        )
        self.source.on_lost(self.losses)
        self._proxy = proxy

    def lose_connection(self) -> None:
        before = self.losses.count
        self._proxy.cut()
        wait_until(lambda: self.losses.count > before, "the source to notice")

    def queued(self) -> list[bytes]:
        return self.queue.take_bodies()

    def dead_letters(self) -> list[bytes]:
        self.dead_letter_queue.declare()  # the source does so when it has a dead letter to publish
        return self.dead_letter_queue.take_bodies()


class TestRabbitMQSource(MessageSourceContract):
    @pytest.fixture
    def rig(self, queue: Queue, dead_letters: DeadLetterQueue) -> Iterator[RabbitMQSourceRig]:
        queue.publish(*BODIES)
        with Proxy(port_of(queue.url)) as proxy:
            made = RabbitMQSourceRig(queue, dead_letters, proxy)
            yield made
            made.source.close()

    def test_prefetch_is_bounded(self, rig: RabbitMQSourceRig) -> None:
        rig.queue.publish(*[b"more"] * 50)
        receive(rig.source)
        rig.queue.wait_for_depth(len(BODIES) + 50 - MIN_PREFETCH)

    def test_monitor_is_told_of_the_connection_without_its_password(self, rig: RabbitMQSourceRig) -> None:
        receive(rig.source)
        rig.lose_connection()
        receive(rig.source)
        rig.source.close()
        assert [type(event) for event in rig.monitor.events] == [Consuming, ConnectionFailed, Reconnecting, Consuming]
        assert "guest:guest" not in repr(rig.monitor.events)
