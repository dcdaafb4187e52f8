import pytest
from pika.exceptions import ChannelClosedByBroker, StreamLostError
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.session import QueueState, connect, ensure_queue, find_queue, session
from intercom_sink.domain.errors import BrokerUnavailable
from tests.support.brokers import fixed_brokers
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker

BROKERS = fixed_brokers("one,two")


def test_the_first_broker_that_accepts_is_used(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refused = {"one"}
    assert connect(BROKERS)[0].host == "two"


def test_if_no_broker_accepts_the_last_error_is_translated(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refused = {"one", "two"}
    with pytest.raises(BrokerUnavailable, match="two refused"), session(BROKERS):
        pass


def test_a_broker_that_refuses_leaves_the_next_to_try(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refused_logins = {"one"}
    assert connect(BROKERS)[0].host == "two"


@pytest.mark.parametrize(
    ("down", "refusing", "retryable"), [("one", "two", True), ("two", "one", True), ("", "one two", False)]
)
def test_a_refusal_is_final_only_if_every_broker_refuses(
    blocking_broker: FakeBlockingBroker, down: str, refusing: str, retryable: bool
) -> None:
    blocking_broker.refused = set(down.split())
    blocking_broker.refused_logins = set(refusing.split())
    with pytest.raises(BrokerUnavailable) as caught, session(BROKERS):
        pass
    assert caught.value.retryable is retryable
    assert all(f"{name}:5672/: " in str(caught.value) for name in ("one", "two")), "each says why"


def test_new_urls_are_tried_after_a_refusal(blocking_broker: FakeBlockingBroker) -> None:
    class Rotated:
        value = "amqp://user:old@one"

        def reload(self) -> bool:
            self.value = "amqp://user:new@two"
            return True

    blocking_broker.refused_logins = {"one"}
    with session(Brokers(Rotated())) as connection:
        assert connection.host == "two"


def test_an_error_names_the_broker_and_never_its_password(blocking_broker: FakeBlockingBroker) -> None:
    with pytest.raises(BrokerUnavailable) as caught, session(fixed_brokers("amqp://user:secret@one:5673")):
        raise StreamLostError("reset")
    assert str(caught.value).startswith("amqp://user@one:5673/: ")


def test_a_session_closes_its_connection(blocking_broker: FakeBlockingBroker) -> None:
    with session(BROKERS) as connection:
        assert connection.is_open
    assert not connection.is_open


def test_a_session_translates_errors_of_its_block(blocking_broker: FakeBlockingBroker) -> None:
    with pytest.raises(BrokerUnavailable, match="reset"), session(BROKERS):
        raise StreamLostError("reset")
    assert not blocking_broker.connections[0].is_open


def test_a_session_does_not_close_a_connection_that_is_lost(blocking_broker: FakeBlockingBroker) -> None:
    def lose_connection() -> None:
        with session(BROKERS) as connection:
            connection.is_open = False
            connection.close_error = AssertionError("closed twice")
            raise StreamLostError("reset")

    with pytest.raises(BrokerUnavailable, match="reset"):
        lose_connection()


def test_find_queue_counts_messages_and_consumers(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.queues["queue"] = [(b"x", BasicProperties())]
    assert find_queue(connect(BROKERS)[0], "queue") == QueueState(messages=1, consumers=2)


def test_find_queue_is_none_if_there_is_no_queue(blocking_broker: FakeBlockingBroker) -> None:
    assert find_queue(connect(BROKERS)[0], "queue") is None
    assert blocking_broker.declared == []


def test_find_queue_raises_any_other_refusal(blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refuse_declare = (403, "ACCESS_REFUSED")
    with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        find_queue(connect(BROKERS)[0], "queue")


def test_ensure_queue_declares_only_what_does_not_exist(blocking_broker: FakeBlockingBroker) -> None:
    connection, _ = connect(BROKERS)
    ensure_queue(connection, "queue")
    ensure_queue(connection, "queue")
    assert blocking_broker.declared == ["queue"]
