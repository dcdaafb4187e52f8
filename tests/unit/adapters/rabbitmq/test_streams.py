import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.streams import refuse_stream_at
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker, Message
from tests.unit.adapters.rabbitmq.fake_broker import URL

MESSAGE = (b"one", BasicProperties())


def with_queue(broker: FakeBlockingBroker, *messages: Message, is_stream: bool = False) -> FakeBlockingBroker:
    broker.queues["queue"] = list(messages)
    broker.streams = {"queue"} if is_stream else set()
    return broker


@pytest.mark.parametrize("messages", [[], [MESSAGE]], ids=["said to be empty", "with messages"])
@pytest.mark.parametrize(
    "error",
    [
        ChannelClosedByBroker(406, "PRECONDITION_FAILED - invalid arg 'x-stream-offset'"),
        ConnectionClosedByBroker(541, "INTERNAL_ERROR"),
    ],
    ids=["a channel's error", "a connection's error, as of RabbitMQ 3.10"],
)
def test_a_stream_is_refused(blocking_broker: FakeBlockingBroker, messages: list[Message], error: Exception) -> None:
    broker = with_queue(blocking_broker, *messages, is_stream=True)
    broker.bad_offset = error
    with pytest.raises(BrokerUnavailable, match=r"^queue is a RabbitMQ stream") as caught:
        refuse_stream_at(URL, "queue")
    assert not caught.value.retryable
    assert not broker.connections[0].is_open


@pytest.mark.parametrize("messages", [[], [MESSAGE]], ids=["empty", "with messages"])
def test_a_queue_is_accepted_and_none_of_its_messages_taken(
    blocking_broker: FakeBlockingBroker, messages: list[Message]
) -> None:
    broker = with_queue(blocking_broker, *messages)
    refuse_stream_at(URL, "queue")
    assert broker.queues["queue"] == messages
    assert not broker.connections[0].is_open


@pytest.mark.parametrize("messages", [[], [MESSAGE]], ids=["empty", "with messages"])
def test_a_queue_that_can_not_be_consumed_is_accepted(
    blocking_broker: FakeBlockingBroker, messages: list[Message]
) -> None:
    """One that the user may only write to, or that has an exclusive consumer."""
    with_queue(blocking_broker, *messages).refuse_consume = (403, "ACCESS_REFUSED")
    refuse_stream_at(URL, "queue")


def test_a_queue_that_does_not_exist_is_accepted(blocking_broker: FakeBlockingBroker) -> None:
    refuse_stream_at(URL, "none")


def test_a_queue_of_a_broker_that_ignores_arguments_is_accepted(blocking_broker: FakeBlockingBroker) -> None:
    with_queue(blocking_broker, MESSAGE).ignores_arguments = True
    refuse_stream_at(URL, "queue")


def test_a_broker_that_goes_away_meanwhile_is_unavailable(blocking_broker: FakeBlockingBroker) -> None:
    broker = with_queue(blocking_broker, MESSAGE, is_stream=True)
    broker.bad_offset = ConnectionClosedByBroker(320, "CONNECTION_FORCED")
    with pytest.raises(BrokerUnavailable, match="CONNECTION_FORCED") as caught:
        refuse_stream_at(URL, "queue")
    assert caught.value.retryable
