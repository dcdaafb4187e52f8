import pytest
from pika.exceptions import StreamLostError

from intercom_sink.adapters.rabbitmq.dead_letter_browser import open_browser
from intercom_sink.adapters.rabbitmq.dead_letter_headers import dead_letter_properties
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.errors import BrokerUnavailable, OperatorError
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker, Message
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS


def message(body: bytes) -> Message:
    return body, dead_letter_properties(Properties(), DeadLetter(Reason.REJECTED), "queue", 131_000)


@pytest.fixture
def broker(blocking_broker: FakeBlockingBroker) -> FakeBlockingBroker:
    blocking_broker.queues["dead"] = [message(b"one"), message(b"two"), message(b"three")]
    return blocking_broker


def bodies(broker: FakeBlockingBroker) -> list[bytes]:
    return [body for body, _ in broker.queues["dead"]]


def test_browsing_changes_nothing(broker: FakeBlockingBroker) -> None:
    with open_browser(BROKERS, "dead") as browser:
        assert browser.count == 3
        stored = list(browser.browse())
    assert [each.body for each in stored] == [b"one", b"two", b"three"]
    assert stored[0].metadata["reason"] == "rejected"
    assert stored[0].metadata["source-queue"] == "queue"
    assert bodies(broker) == [b"one", b"two", b"three"]


def test_what_is_removed_is_gone_and_the_others_keep_their_places(broker: FakeBlockingBroker) -> None:
    with open_browser(BROKERS, "dead") as browser:
        for stored in browser.browse():
            if stored.body == b"two":
                browser.remove(stored)
    assert bodies(broker) == [b"one", b"three"]


def test_dead_letters_that_come_later_are_not_browsed(broker: FakeBlockingBroker) -> None:
    with open_browser(BROKERS, "dead") as browser:
        broker.queues["dead"].append(message(b"four"))
        assert [stored.body for stored in browser.browse()] == [b"one", b"two", b"three"]


def test_browsing_ends_early_if_another_client_removes_some(broker: FakeBlockingBroker) -> None:
    with open_browser(BROKERS, "dead") as browser:
        broker.queues["dead"].pop()
        assert [stored.body for stored in browser.browse()] == [b"one", b"two"]


def test_a_queue_that_does_not_exist_is_the_operator_s_mistake(broker: FakeBlockingBroker) -> None:
    with pytest.raises(OperatorError, match="there is no queue mistyped"), open_browser(BROKERS, "mistyped"):
        pass


def test_an_error_while_browsing_is_translated_and_requeues(broker: FakeBlockingBroker) -> None:
    def browse_and_fail() -> None:
        with open_browser(BROKERS, "dead") as browser:
            for _ in browser.browse():
                raise StreamLostError("reset")

    with pytest.raises(BrokerUnavailable, match="reset"):
        browse_and_fail()
    assert bodies(broker) == [b"one", b"two", b"three"]
