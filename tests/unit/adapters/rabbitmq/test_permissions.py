"""Whether this user may publish, found out without publishing to a queue."""

import pytest
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, UnroutableError

from intercom_sink.adapters.rabbitmq.permissions import check_may_publish
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS


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
