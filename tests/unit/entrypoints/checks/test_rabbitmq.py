"""Checks of the broker and of both queues."""

import pytest

from intercom_sink import BrokerUnavailable, Settings
from intercom_sink.adapters.rabbitmq.session import QueueState
from intercom_sink.entrypoints.checks import rabbitmq
from intercom_sink.entrypoints.checks.finding import Finding, Result
from intercom_sink.entrypoints.checks.rabbitmq import check_broker, check_dead_letter_queue, check_queue

VARIABLES = {
    "CJW_RABBITMQ_HOST": "rabbit",
    "CJW_INTERCOM_API_TOKEN": "token",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
    "CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead",
}
SETTINGS = Settings.from_environment(VARIABLES)


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> dict[str, QueueState]:
    """The queues of a broker that permits everything."""
    states: dict[str, QueueState] = {}
    monkeypatch.setattr(rabbitmq, "inspect_queue", lambda _, name: states.get(name))
    monkeypatch.setattr(rabbitmq, "inspect_broker", lambda _: "RabbitMQ 4.0")
    monkeypatch.setattr(rabbitmq, "check_may_publish", lambda _: None)
    return states


@pytest.mark.usefixtures("queues")
def test_broker_is_named_with_its_version() -> None:
    assert list(check_broker(SETTINGS)) == [Finding.ok("RabbitMQ 4.0")]


@pytest.mark.usefixtures("queues")
def test_undeclared_queue_is_ok() -> None:
    (finding,) = check_queue(SETTINGS)
    assert finding == Finding.ok("intercom does not exist yet; the sink will declare it as durable")
    (finding,) = check_dead_letter_queue(SETTINGS)
    assert finding == Finding.ok("dead does not exist yet; the sink will declare it as durable")


def test_queue_without_a_consumer_is_ok(queues: dict[str, QueueState]) -> None:
    queues["intercom"] = QueueState(2, 0)
    assert list(check_queue(SETTINGS)) == [Finding.ok("intercom: 2 messages ready, 0 consumers")]


def test_queue_with_a_consumer_is_warned_of(queues: dict[str, QueueState]) -> None:
    """Two consumers break the order, unless the queue is single-active-consumer, which AMQP does not tell."""
    queues["intercom"] = QueueState(2, 1)
    ok, warning = check_queue(SETTINGS)
    assert ok == Finding.ok("intercom: 2 messages ready, 1 consumer")
    assert warning.result is Result.WARNING
    assert "single-active-consumer (AMQP does not tell)" in warning.text
    assert "unacked messages are not counted" in warning.text


def test_dead_letters_are_counted(queues: dict[str, QueueState]) -> None:
    queues["dead"] = QueueState(3, 0)
    assert list(check_dead_letter_queue(SETTINGS)) == [Finding.ok("dead: 3 dead letters ready, may be written")]


def test_consumer_of_the_dead_letter_queue_is_warned_of(queues: dict[str, QueueState]) -> None:
    queues["dead"] = QueueState(3, 1)
    results = [finding.result for finding in check_dead_letter_queue(SETTINGS)]
    assert results == [Result.OK, Result.WARNING]


@pytest.mark.usefixtures("queues")
def test_missing_dead_letter_queue_is_warned_of() -> None:
    (finding,) = check_dead_letter_queue(Settings.from_environment(VARIABLES | {"CJW_INTERCOM_DEAD_LETTER_QUEUE": ""}))
    assert finding.result is Result.WARNING
    assert "CJW_INTERCOM_DEAD_LETTER_QUEUE" in finding.text


@pytest.mark.usefixtures("queues")
def test_dead_letter_queue_that_may_not_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise BrokerUnavailable("ACCESS_REFUSED", retryable=False)

    monkeypatch.setattr(rabbitmq, "check_may_publish", refuse)
    with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED"):
        list(check_dead_letter_queue(SETTINGS))
