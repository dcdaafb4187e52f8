from types import SimpleNamespace

import pytest
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, UnroutableError

from intercom_sink.adapters.rabbitmq.inspection import check_may_publish, inspect_broker, inspect_queue
from intercom_sink.adapters.rabbitmq.session import QueueState
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker, FakeConnection
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS


def test_inspect_broker_tells_product_and_version(blocking_broker: FakeBlockingBroker) -> None:
    assert inspect_broker(BROKERS) == "RabbitMQ 4.0"
    assert not blocking_broker.connections[0].is_open


def test_inspect_broker_of_one_that_tells_nothing(
    blocking_broker: FakeBlockingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = blocking_broker.connect

    def connect_silently(parameters: object, _impl_class: object) -> FakeConnection:
        connection = connect(parameters)
        connection._impl = SimpleNamespace(server_properties={})
        return connection

    monkeypatch.setattr("pika.BlockingConnection", connect_silently)
    assert inspect_broker(BROKERS) == "unknown broker "


def test_inspect_queue(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.queues["queue"] = []
    assert inspect_queue(BROKERS, "queue") == QueueState(messages=0, consumers=2)
    assert inspect_queue(BROKERS, "none") is None


def test_inspect_queue_says_why_it_is_refused(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refuse_declare = (403, "ACCESS_REFUSED - to queue")
    with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED") as caught:
        inspect_queue(BROKERS, "queue")
    assert not caught.value.retryable


def test_inspect_queue_refuses_a_stream(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.queues["queue"] = []
    blocking_broker.streams = {"queue"}
    with pytest.raises(BrokerUnavailable, match=r"^queue is a RabbitMQ stream") as caught:
        inspect_queue(BROKERS, "queue")
    assert not caught.value.retryable


def test_message_that_is_returned_was_permitted(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.publish_error = UnroutableError([])
    check_may_publish(BROKERS)
    assert not blocking_broker.connections[0].is_open
    assert blocking_broker.queues == {}


@pytest.mark.parametrize("error", [ChannelClosedByBroker(403, "ACCESS_REFUSED"), AMQPConnectionError("gone")])
def test_refusal_and_failure_are_raised(blocking_broker: FakeBlockingBroker, error: Exception) -> None:
    blocking_broker.publish_error = error
    with pytest.raises(BrokerUnavailable) as caught:
        check_may_publish(BROKERS)
    assert caught.value.retryable == (not isinstance(error, ChannelClosedByBroker))
