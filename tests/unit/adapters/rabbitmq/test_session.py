import pytest
from pika.exceptions import ChannelClosedByBroker, StreamLostError
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.session import QueueState, connect, ensure_queue, find_queue, session
from intercom_sink.adapters.rabbitmq.urls import parse_urls
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker

URLS = parse_urls("one,two")


def test_the_first_broker_that_accepts_is_used(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refused = {"one"}
    assert connect(URLS).host == "two"


def test_if_no_broker_accepts_the_last_error_is_translated(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refused = {"one", "two"}
    with pytest.raises(BrokerUnavailable, match="two refused"), session(URLS):
        pass


def test_a_session_closes_its_connection(blocking_broker: FakeBlockingBroker) -> None:
    with session(URLS) as connection:
        assert connection.is_open
    assert not connection.is_open


def test_a_session_translates_errors_of_its_block(blocking_broker: FakeBlockingBroker) -> None:
    with pytest.raises(BrokerUnavailable, match="reset"), session(URLS):
        raise StreamLostError("reset")
    assert not blocking_broker.connections[0].is_open


def test_a_session_does_not_close_a_connection_that_is_lost(blocking_broker: FakeBlockingBroker) -> None:
    def lose_connection() -> None:
        with session(URLS) as connection:
            connection.is_open = False
            connection.close_error = AssertionError("closed twice")
            raise StreamLostError("reset")

    with pytest.raises(BrokerUnavailable, match="reset"):
        lose_connection()


def test_find_queue_counts_messages_and_consumers(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.queues["queue"] = [(b"x", BasicProperties())]
    assert find_queue(connect(URLS), "queue") == QueueState(messages=1, consumers=2)


def test_find_queue_is_none_if_there_is_no_queue(blocking_broker: FakeBlockingBroker) -> None:
    assert find_queue(connect(URLS), "queue") is None
    assert blocking_broker.declared == []


def test_find_queue_raises_any_other_refusal(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refuse_declare = (403, "ACCESS_REFUSED")
    with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        find_queue(connect(URLS), "queue")


def test_ensure_queue_declares_only_what_does_not_exist(blocking_broker: FakeBlockingBroker) -> None:
    connection = connect(URLS)
    ensure_queue(connection, "queue")
    ensure_queue(connection, "queue")
    assert blocking_broker.declared == ["queue"]
