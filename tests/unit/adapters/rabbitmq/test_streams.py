import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from intercom_sink.adapters.rabbitmq.streams import refuse_streams
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import URL


@pytest.fixture
def broker(blocking_broker: FakeBlockingBroker) -> FakeBlockingBroker:
    blocking_broker.queues |= {"queue": [], "stream": []}
    blocking_broker.streams = {"stream"}
    return blocking_broker


@pytest.mark.parametrize(
    "error",
    [
        ChannelClosedByBroker(406, "PRECONDITION_FAILED - invalid arg 'x-stream-offset'"),
        ConnectionClosedByBroker(541, "INTERNAL_ERROR"),
    ],
    ids=["a channel's error", "a connection's error, as of RabbitMQ 3.10"],
)
def test_a_stream_is_refused(broker: FakeBlockingBroker, error: Exception) -> None:
    broker.bad_offset = error
    with pytest.raises(BrokerUnavailable, match=r"^stream is a stream") as caught:
        refuse_streams(URL, "queue", "stream")
    assert not caught.value.retryable
    assert not broker.connections[0].is_open


def test_a_queue_is_accepted_and_never_consumed(broker: FakeBlockingBroker) -> None:
    refuse_streams(URL, "queue")
    assert broker.consumed == []
    assert not broker.connections[0].is_open


def test_a_queue_that_does_not_exist_is_accepted(broker: FakeBlockingBroker) -> None:
    refuse_streams(URL, "none")


def test_a_queue_of_a_broker_that_ignores_offsets_is_accepted(broker: FakeBlockingBroker) -> None:
    broker.ignores_offsets = True
    refuse_streams(URL, "queue")


def test_a_broker_that_goes_away_meanwhile_is_unavailable(broker: FakeBlockingBroker) -> None:
    broker.bad_offset = ConnectionClosedByBroker(320, "CONNECTION_FORCED")
    with pytest.raises(BrokerUnavailable, match="CONNECTION_FORCED") as caught:
        refuse_streams(URL, "stream")
    assert caught.value.retryable
