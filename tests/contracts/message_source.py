"""The promises of MessageSource."""

from typing import Protocol

import pytest

from intercom_sink import MessageSource
from intercom_sink.domain.dead_letter import DeadLetter, Reason

BODIES = [b"first", b"second", b"third"]


class Rig(Protocol):
    """A queue that holds BODIES, and a source that drains it."""

    source: MessageSource

    def lose_connection(self) -> None: ...

    def left(self) -> list[bytes]:
        """What the queue holds once the source is closed."""

    def dead_letters(self) -> list[bytes]:
        """What was given up."""


class MessageSourceContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_hands_out_every_message_in_order_and_ends_once_all_are_acked(self, rig: Rig) -> None:
        received = []
        while (delivery := rig.source.receive()) is not None:
            received.append(delivery.body)
            delivery.ack()
        assert received == BODIES
        assert rig.source.receive() is None
        rig.source.close()
        assert rig.left() == []

    def test_what_is_given_up_is_off_the_queue_and_among_the_dead_letters(self, rig: Rig) -> None:
        first, second = rig.source.receive(), rig.source.receive()
        assert first is not None
        assert second is not None
        assert first.give_up(DeadLetter(Reason.MALFORMED))
        second.ack()
        rig.source.close()
        assert rig.left() == [b"third"]
        assert rig.dead_letters() == [b"first"]

    def test_a_lost_delivery_can_not_be_given_up(self, rig: Rig) -> None:
        delivery = rig.source.receive()
        assert delivery is not None
        assert not delivery.redelivered
        rig.lose_connection()
        assert not delivery.give_up(DeadLetter(Reason.MALFORMED))
        again = rig.source.receive()
        assert again is not None
        assert (again.body, again.redelivered) == (b"first", True)
        rig.source.close()
        assert rig.left() == BODIES

    def test_what_is_not_acked_is_back_in_its_old_place_after_close(self, rig: Rig) -> None:
        first, second = rig.source.receive(), rig.source.receive()
        assert first is not None
        assert second is not None
        second.ack()
        rig.source.close()
        assert rig.left() == [b"first", b"third"]

    def test_hands_out_nothing_once_stopped_and_still_takes_acks(self, rig: Rig) -> None:
        delivery = rig.source.receive()
        assert delivery is not None
        rig.source.stop()
        rig.source.stop()
        assert rig.source.receive() is None
        delivery.ack()
        rig.source.close()
        assert rig.left() == [b"second", b"third"]

    def test_a_delivery_is_lost_with_its_connection_and_its_message_comes_again(self, rig: Rig) -> None:
        delivery = rig.source.receive()
        assert delivery is not None
        assert not delivery.is_lost()
        rig.lose_connection()
        assert delivery.is_lost()
        delivery.ack()
        again = rig.source.receive()
        assert again is not None
        assert again.body == b"first"
        assert not again.is_lost()
        again.ack()
        rig.source.close()
        assert rig.left() == [b"second", b"third"]

    def test_can_be_closed_before_it_was_ever_used(self, rig: Rig) -> None:
        rig.source.close()
        assert rig.source.receive() is None
        assert rig.left() == BODIES
