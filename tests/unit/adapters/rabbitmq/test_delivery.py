import threading
from collections.abc import Callable

from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.testing import RecordingMonitor
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS

DEAD_LETTER = DeadLetter(Reason.REJECTED)


class FakeConnection:
    def __init__(self) -> None:
        self.lost = False
        self.acked: list[int] = []

    def ack(self, tag: int) -> None:
        self.acked.append(tag)


class ScriptedPublisher(DeadLetterPublisher):
    """Confirms or not; something may happen meanwhile."""

    def __init__(self, confirms: bool, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__(BROKERS, "dead", "queue", RecordingMonitor(), timeout=0, stopping=threading.Event())
        self._confirms = confirms
        self._meanwhile = meanwhile
        self.published: list[tuple[bytes, Properties, DeadLetter, bool]] = []

    def publish(
        self,
        body: bytes,
        properties: Properties,
        dead_letter: DeadLetter,
        cancelled: Callable[[], bool],
        envelope: Envelope,
    ) -> bool:
        self._meanwhile()
        self.published.append((body, properties, dead_letter, cancelled()))
        return self._confirms


def delivery(
    connection: FakeConnection,
    dead_letter_publisher: DeadLetterPublisher | None = None,
    headers: dict[str, object] | None = None,
) -> RabbitMQDelivery:
    return RabbitMQDelivery(
        b"body", False, Properties(headers=headers), Envelope(), 0.0, 7, connection, dead_letter_publisher
    )


def test_ack_and_loss_are_those_of_the_receiving_connection() -> None:
    connection = FakeConnection()
    message = delivery(connection)
    assert not message.is_lost()
    message.ack()
    connection.lost = True
    assert message.is_lost()
    assert connection.acked == [7]


def test_without_a_dead_letter_queue_a_given_up_message_is_only_acked() -> None:
    connection = FakeConnection()
    assert delivery(connection).give_up(DEAD_LETTER)
    assert connection.acked == [7]


def test_a_given_up_message_is_acked_after_its_dead_letter_is_confirmed() -> None:
    connection = FakeConnection()
    publisher = ScriptedPublisher(confirms=True, meanwhile=lambda: connection.acked.append(0))
    message = delivery(connection, publisher)
    assert message.give_up(DEAD_LETTER)
    assert publisher.published == [(b"body", message.properties, DEAD_LETTER, False)]
    assert connection.acked == [0, 7]


def test_a_message_whose_dead_letter_is_not_confirmed_stays() -> None:
    connection = FakeConnection()
    assert not delivery(connection, ScriptedPublisher(confirms=False)).give_up(DEAD_LETTER)
    assert connection.acked == []


def test_a_message_lost_while_its_dead_letter_is_published_stays() -> None:
    connection = FakeConnection()
    publisher = ScriptedPublisher(confirms=True, meanwhile=lambda: setattr(connection, "lost", True))
    assert not delivery(connection, publisher).give_up(DEAD_LETTER)
    assert publisher.published[0][3], "the loss cancels the attempts to publish"


def test_a_lost_message_is_not_dead_lettered() -> None:
    """It is redelivered, and would be dead-lettered twice."""
    connection, publisher = FakeConnection(), ScriptedPublisher(confirms=True)
    connection.lost = True
    assert not delivery(connection, publisher).give_up(DEAD_LETTER)
    assert publisher.published == []
    assert connection.acked == []
