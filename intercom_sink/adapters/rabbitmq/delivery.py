"""Delivery on RabbitMQ."""

from dataclasses import dataclass
from typing import Protocol

from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.envelope import Envelope


class Receiver(Protocol):
    """The connection that received a delivery, and the only one that can ack it."""

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, or about to go."""

    def ack(self, tag: int) -> None:
        """Acks a delivery by its tag; does nothing once the connection is lost."""


@dataclass(frozen=True, slots=True)
class RabbitMQDelivery:
    """A message that one connection received.

    Args:
        body: the message as it was published.
        redelivered: whether the broker has delivered it before.
        properties: its AMQP properties.
        envelope: the same, as the domain sees them.
        delivered_at: when it was delivered, in seconds of the monotonic clock.
        tag: its number on the connection.
        receiver: the connection.
        dead_letters: publishes the message if it is given up; None: it is only acked.
    """

    body: bytes
    redelivered: bool
    properties: Properties
    envelope: Envelope
    delivered_at: float
    tag: int
    receiver: Receiver
    dead_letters: DeadLetterPublisher | None

    def is_lost(self) -> bool:
        """Whether its connection is gone."""
        return self.receiver.lost

    def ack(self) -> None:
        """Removes the message from the queue; does nothing once the delivery is lost."""
        self.receiver.ack(self.tag)

    def give_up(self, dead_letter: DeadLetter) -> bool:
        """Publishes the message as a dead letter, where there is a dead-letter queue, then acks it."""
        if self.is_lost():
            return False
        if self.dead_letters is not None and not self.dead_letters.publish(
            self.body, self.properties, dead_letter, cancelled=self.is_lost, envelope=self.envelope
        ):
            return False
        self.ack()
        return not self.is_lost()
