"""The promises of MessageSource and of its deliveries."""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from intercom_sink import DeadLetter, Delivery, MessageSource, Reason

BODIES = [b"first", b"second", b"third"]


@dataclass
class Losses:
    """The callback to give to `on_lost`.

    Attributes:
        count: how often it was called.
        watched: a delivery to look at in each call.
        watched_was_lost: whether it was lost, at each call.
    """

    count: int = 0
    watched: Delivery | None = None
    watched_was_lost: list[bool] = field(default_factory=list)

    def __call__(self) -> None:
        if self.watched is not None:
            self.watched_was_lost.append(self.watched.is_lost())
        self.count += 1


class Rig(Protocol):
    """A queue that holds BODIES, and a source that drains it, with `losses` as the callback of its `on_lost`."""

    source: MessageSource
    losses: Losses

    def lose_connection(self) -> None:
        """Breaks the connection; returns once the source has noticed."""

    def queued(self) -> list[bytes]:
        """The bodies in the queue, once the source is closed."""

    def dead_letters(self) -> list[bytes]:
        """The bodies that were given up."""


def receive(source: MessageSource) -> Delivery:
    """The next delivery, of which there must be one."""
    delivery = source.receive()
    assert delivery is not None
    return delivery


class MessageSourceContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_delivers_in_order_and_ends_once_all_are_acked(self, rig: Rig) -> None:
        received = []
        while (delivery := rig.source.receive()) is not None:
            received.append(delivery.body)
            delivery.ack()
        assert received == BODIES
        assert rig.source.receive() is None
        rig.source.close()
        assert rig.queued() == []

    def test_delivery_says_when_the_broker_delivered_it(self, rig: Rig) -> None:
        before = time.monotonic()
        delivery = receive(rig.source)
        after = time.monotonic()
        assert before <= delivery.delivered_at <= after
        rig.source.close()

    def test_given_up_message_moves_to_the_dead_letters(self, rig: Rig) -> None:
        first, second = receive(rig.source), receive(rig.source)
        assert first.give_up(DeadLetter(Reason.MALFORMED))
        second.ack()
        rig.source.close()
        assert rig.queued() == [b"third"]
        assert rig.dead_letters() == [b"first"]

    def test_lost_delivery_can_not_be_given_up(self, rig: Rig) -> None:
        delivery = receive(rig.source)
        assert not delivery.redelivered
        rig.lose_connection()
        assert not delivery.give_up(DeadLetter(Reason.MALFORMED))
        again = receive(rig.source)
        assert (again.body, again.redelivered) == (b"first", True)
        rig.source.close()
        assert rig.queued() == BODIES
        assert rig.dead_letters() == []

    def test_unacked_message_is_requeued_in_its_old_place(self, rig: Rig) -> None:
        _, second = receive(rig.source), receive(rig.source)
        second.ack()
        rig.source.close()
        assert rig.queued() == [b"first", b"third"]

    def test_delivers_nothing_once_stopped_and_still_takes_acks(self, rig: Rig) -> None:
        delivery = receive(rig.source)
        rig.source.stop()
        rig.source.stop()
        assert rig.source.receive() is None
        delivery.ack()
        rig.source.close()
        assert rig.queued() == [b"second", b"third"]

    def test_lost_delivery_can_not_be_acked_and_is_redelivered(self, rig: Rig) -> None:
        delivery = receive(rig.source)
        assert not delivery.is_lost()
        rig.lose_connection()
        assert delivery.is_lost()
        delivery.ack()
        again = receive(rig.source)
        assert again.body == b"first"
        assert not again.is_lost()
        again.ack()
        rig.source.close()
        assert rig.queued() == [b"second", b"third"]

    def test_on_lost_is_called_after_deliveries_have_become_lost(self, rig: Rig) -> None:
        """So that a thread which the callback wakes sees at once that its delivery is lost."""
        rig.losses.watched = receive(rig.source)
        assert rig.losses.count == 0
        rig.lose_connection()
        assert rig.losses.count == 1
        assert rig.losses.watched_was_lost == [True]
        rig.source.close()

    def test_interrupt_makes_receive_return_nothing_once(self, rig: Rig) -> None:
        first = receive(rig.source)
        rig.source.interrupt()
        rig.source.interrupt()
        assert rig.source.receive() is None
        assert receive(rig.source).body == b"second"
        first.ack()
        rig.source.close()
        assert rig.queued() == [b"second", b"third"]

    def test_interrupt_ends_a_blocked_receive(self, rig: Rig) -> None:
        deliveries = [receive(rig.source) for _ in BODIES]
        threading.Timer(0.005, rig.source.interrupt).start()
        assert rig.source.receive() is None
        for delivery in deliveries:
            assert not delivery.is_lost()
            delivery.ack()
        assert rig.source.receive() is None
        rig.source.close()
        assert rig.queued() == []

    def test_requeue_returns_every_unacked_message_in_order(self, rig: Rig) -> None:
        first, second = receive(rig.source), receive(rig.source)
        second.ack()
        rig.source.interrupt()
        assert rig.source.receive() is None
        rig.source.requeue()
        assert first.is_lost()
        first.ack()
        again = receive(rig.source)
        assert (again.body, again.redelivered, again.is_lost()) == (b"first", True, False)
        assert receive(rig.source).body == b"third"
        again.ack()
        rig.source.close()
        assert rig.queued() == [b"third"]

    def test_requeue_calls_on_lost_after_deliveries_have_become_lost(self, rig: Rig) -> None:
        rig.losses.watched = receive(rig.source)
        rig.source.interrupt()
        rig.source.receive()
        rig.source.requeue()
        assert rig.losses.watched_was_lost == [True]
        rig.source.close()

    def test_requeue_clears_an_interrupt_that_is_pending(self, rig: Rig) -> None:
        receive(rig.source)
        rig.source.interrupt()
        rig.source.requeue()
        assert receive(rig.source).body == b"first"
        rig.source.close()
        assert rig.queued() == BODIES

    def test_requeued_delivery_can_not_be_given_up(self, rig: Rig) -> None:
        delivery = receive(rig.source)
        rig.source.interrupt()
        rig.source.requeue()
        assert not delivery.give_up(DeadLetter(Reason.REJECTED))
        rig.source.close()
        assert rig.queued() == BODIES
        assert rig.dead_letters() == []

    def test_requeue_may_be_repeated_and_keeps_the_order(self, rig: Rig) -> None:
        for _ in range(3):
            assert [receive(rig.source).body for _ in BODIES] == BODIES
            rig.source.interrupt()
            assert rig.source.receive() is None
            rig.source.requeue()
        rig.source.requeue()
        rig.source.close()
        assert rig.queued() == BODIES

    def test_stop_between_a_requeue_and_the_next_receive_delivers_nothing(self, rig: Rig) -> None:
        """A stop during a hold: the queue is not consumed again."""
        receive(rig.source)
        rig.source.interrupt()
        rig.source.requeue()
        rig.source.stop()
        assert rig.source.receive() is None
        rig.source.close()
        assert rig.queued() == BODIES

    def test_drains_after_a_requeue(self, rig: Rig) -> None:
        receive(rig.source)
        rig.source.requeue()
        received = []
        while (delivery := rig.source.receive()) is not None:
            received.append(delivery.body)
            delivery.ack()
        assert received == BODIES
        rig.source.close()
        assert rig.queued() == []

    def test_can_be_closed_before_its_first_use(self, rig: Rig) -> None:
        rig.source.close()
        assert rig.source.receive() is None
        assert rig.queued() == BODIES
