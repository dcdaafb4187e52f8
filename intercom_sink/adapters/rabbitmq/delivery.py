"""Delivery on RabbitMQ."""

from dataclasses import dataclass
from typing import Protocol

from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.envelope import Envelope


class AckingConnection(Protocol):
    """The connection that received a delivery (`Consumer`), and the only one that can ack it."""

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, or about to go."""
        ...

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
        tag: its delivery tag, on the connection's one channel.
        connection: the one that received it.
        dead_letter_publisher: publishes the message if it is given up; None: it is only acked.
    """

    body: bytes
    redelivered: bool
    properties: Properties
    envelope: Envelope
    delivered_at: float
    tag: int
    connection: AckingConnection
    dead_letter_publisher: DeadLetterPublisher | None

    def is_lost(self) -> bool:
        """Whether its connection is gone."""
        return self.connection.lost

    def ack(self) -> None:
        """Removes the message from the queue; does nothing once the delivery is lost."""
        self.connection.ack(self.tag)

    def give_up(self, dead_letter: DeadLetter) -> bool:
        """Publishes the message as a dead letter, where there is a dead-letter queue, then acks it."""
        if self.is_lost():
            return False
        if self.dead_letter_publisher is not None and not self.dead_letter_publisher.publish(
            self.body, self.properties, dead_letter, cancelled=self.is_lost, envelope=self.envelope
        ):
            return False
        self.ack()
        return not self.is_lost()
