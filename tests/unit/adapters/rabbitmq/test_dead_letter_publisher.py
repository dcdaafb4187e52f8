import threading
from collections.abc import Sequence

import pytest

from intercom_sink.adapters.rabbitmq import dead_letter_publisher
from intercom_sink.adapters.rabbitmq.confirmed_publisher import Outgoing
from intercom_sink.adapters.rabbitmq.dead_letter_headers import metadata_of
from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.events import DeadLettered, DeadLetterNotConfirmed
from intercom_sink.testing import RecordingMonitor
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS

ENVELOPE = Envelope(message_id="a-message-id")
REJECTED = DeadLetter(Reason.REJECTED, path="/contacts/1")


class ScriptedPublisher:
    """In place of ConfirmedPublisher: fails as scripted, then confirms."""

    script: list[BrokerUnavailable]

    def __init__(self, *_: object, declare: bool) -> None:
        assert declare
        self.published: list[tuple[bytes, Properties]] = []
        self.closed = False

    def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.script:
            raise self.script.pop(0)
        for message in messages:
            properties = message.make_properties(131_000)
            assert isinstance(properties, Properties)
            self.published.append((message.body, properties))

    def close(self) -> None:
        self.closed = True


class NoWaiting(threading.Event):
    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        return self.is_set()


class Rig:
    def __init__(self, *script: BrokerUnavailable, timeout: float = 60) -> None:
        ScriptedPublisher.script = list(script)
        self.monitor = RecordingMonitor()
        self.stopping = NoWaiting()
        self.dead_letter_publisher = DeadLetterPublisher(
            BROKERS, "dead", "queue", self.monitor, timeout=timeout, stopping=self.stopping
        )
        publisher = self.dead_letter_publisher._publisher
        assert isinstance(publisher, ScriptedPublisher)
        self.publisher = publisher

    def publish(self, cancelled: bool = False) -> bool:
        return self.dead_letter_publisher.publish(
            b"body", Properties(), REJECTED, cancelled=lambda: cancelled, envelope=ENVELOPE
        )


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter_publisher, "ConfirmedPublisher", ScriptedPublisher)


def test_a_message_is_published_with_its_reason_headers() -> None:
    rig = Rig()
    assert rig.publish()
    ((body, properties),) = rig.publisher.published
    assert body == b"body"
    metadata = metadata_of(properties)
    assert (metadata["reason"], metadata["path"], metadata["source-queue"]) == ("rejected", "/contacts/1", "queue")
    assert rig.monitor.events == [DeadLettered("dead", Reason.REJECTED, (), ENVELOPE)]


def test_publishing_is_tried_again_until_it_is_confirmed() -> None:
    rig = Rig(BrokerUnavailable("full"), BrokerUnavailable("full"))
    assert rig.publish()
    assert [body for body, _ in rig.publisher.published] == [b"body"]
    first, second = rig.stopping.waits
    assert 0.5 <= first <= 1
    assert 1 <= second <= 2
    assert rig.monitor.events == [
        DeadLetterNotConfirmed("dead", "full", first, ENVELOPE),
        DeadLetterNotConfirmed("dead", "full", second, ENVELOPE),
        DeadLettered("dead", Reason.REJECTED, (), ENVELOPE),
    ]


def test_after_the_timeout_the_last_error_is_raised() -> None:
    rig = Rig(BrokerUnavailable("full"), timeout=0)
    with pytest.raises(BrokerUnavailable, match="full"):
        rig.publish()
    assert rig.monitor.events == []


def test_an_error_that_is_not_retryable_is_raised_at_once() -> None:
    rig = Rig(BrokerUnavailable("refused", retryable=False))
    with pytest.raises(BrokerUnavailable, match="refused"):
        rig.publish()
    assert rig.stopping.waits == []


def test_a_stop_ends_the_attempts() -> None:
    rig = Rig(BrokerUnavailable("full"))
    rig.stopping.set()
    assert not rig.publish()
    assert rig.publisher.published == []
    assert len(rig.monitor.events) == 1


def test_a_lost_delivery_ends_the_attempts() -> None:
    rig = Rig(BrokerUnavailable("full"))
    assert not rig.publish(cancelled=True)
    assert rig.publisher.published == []


def test_stop_waits_for_one_attempt_whatever_the_number_of_messages() -> None:
    """Each attempt may take as long as the broker blocks its connection."""
    rig = Rig(BrokerUnavailable("blocked"), BrokerUnavailable("blocked"))
    rig.stopping.set()
    assert not rig.publish()
    assert not rig.publish()
    assert len(ScriptedPublisher.script) == 1, "the second message is not tried"


def test_stop_ends_no_attempt_while_dead_letters_are_confirmed() -> None:
    """What Intercom has answered is settled, or it would be sent again."""
    rig = Rig()
    rig.stopping.set()
    assert rig.publish()
    assert rig.publish()


def test_each_message_has_a_timeout_of_its_own() -> None:
    rig = Rig(BrokerUnavailable("one"))
    assert rig.publish()
    ScriptedPublisher.script = [BrokerUnavailable("two")]
    assert rig.publish()
    assert all(0.5 <= seconds <= 1 for seconds in rig.stopping.waits), "and a backoff of its own"


def test_close_closes_the_connection() -> None:
    rig = Rig()
    rig.dead_letter_publisher.close()
    assert rig.publisher.closed
