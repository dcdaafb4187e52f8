"""InMemorySource keeps the promises of MessageSource."""

import threading

import pytest

from intercom_sink import DeadLetter, Reason
from intercom_sink.testing import InMemorySource
from tests.contracts.message_source import BODIES, Losses, MessageSourceContract, receive


class InMemorySourceRig:
    def __init__(self) -> None:
        self.source = InMemorySource(BODIES)
        self.losses = Losses()
        self.source.on_lost(self.losses)

    def lose_connection(self) -> None:
        self.source.lose_connection()

    def queued(self) -> list[bytes]:
        assert self.source.closed
        return list(self.source.queue)

    def dead_letters(self) -> list[bytes]:
        return [body for body, _ in self.source.dead_letters]


class TestInMemorySource(MessageSourceContract):
    @pytest.fixture
    def rig(self) -> InMemorySourceRig:
        return InMemorySourceRig()

    def test_keeps_what_was_acked_and_given_up(self, rig: InMemorySourceRig) -> None:
        for _ in range(2):
            receive(rig.source).ack()
        assert receive(rig.source).give_up(DeadLetter(Reason.REJECTED, status=422))
        assert rig.source.acked == [b"first", b"second"]
        assert rig.source.dead_letters == [(b"third", DeadLetter(Reason.REJECTED, status=422))]

    def test_callback_is_called_after_close_too(self, rig: InMemorySourceRig) -> None:
        rig.losses.watched = receive(rig.source)
        rig.source.close()
        assert rig.losses.watched_was_lost == [True]

    def test_only_requeued_messages_are_redelivered(self, rig: InMemorySourceRig) -> None:
        receive(rig.source)
        receive(rig.source)
        rig.source.lose_connection()
        assert [receive(rig.source).redelivered for _ in BODIES] == [True, True, False]

    def test_requeued_messages_are_redelivered_until_they_are_acked(self, rig: InMemorySourceRig) -> None:
        receive(rig.source)
        receive(rig.source)
        rig.source.requeue()
        receive(rig.source).ack()
        rig.source.requeue()
        assert [receive(rig.source).redelivered for _ in BODIES[1:]] == [True, False]


def test_receive_that_waits_too_long_for_acks_is_an_error() -> None:
    source = InMemorySource(BODIES, max_block=0.01)
    for _ in BODIES:
        source.receive()
    with pytest.raises(RuntimeError, match=r"has waited 0\.01 s \(max_block\): .* not all are acked"):
        source.receive()


def test_messages_have_no_ordering_key_by_default() -> None:
    assert receive(InMemorySource(BODIES)).envelope.ordering_key is None


def test_ordering_key_is_made_from_the_body() -> None:
    assert receive(InMemorySource(BODIES, lambda body: body[:1].decode())).envelope.ordering_key == "f"


def test_empty_queue_ends_at_once() -> None:
    assert InMemorySource().receive() is None


def test_receive_waits_for_acks_by_other_threads() -> None:
    source = InMemorySource([b"only"])
    delivery = receive(source)
    threading.Timer(0.01, delivery.ack).start()
    assert source.receive() is None
    assert source.acked == [b"only"]


def test_stop_ends_a_blocked_receive() -> None:
    source = InMemorySource([b"only"])
    receive(source)
    threading.Timer(0.01, source.stop).start()
    assert source.receive() is None
