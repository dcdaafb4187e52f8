"""Publishes as a service would, by every name there is for that; checked as api.py is."""

from collections.abc import Iterable, Mapping
from typing import assert_type

from intercom_sink import (
    BrokerUnavailable,
    IntercomRequest,
    InvalidRequest,
    MalformedMessage,
    Message,
    MessagePublisher,
    OperatorError,
    Publisher,
    PublishResult,
    PublishStatus,
    TraceContext,
    Unroutable,
    build_publisher,
)
from intercom_sink.aio import AsyncPublisher
from intercom_sink.testing import InMemoryPublisher

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})


class Contacts:
    """A service's own code: it needs no more of a publisher than this."""

    def __init__(self, publisher: MessagePublisher) -> None:
        self._publisher = publisher

    def save(self, email: str) -> str:
        request = IntercomRequest("POST", "/contacts", {"email": email})
        message_id = self._publisher.publish(request, ordering_key=email)
        assert_type(message_id, str)
        return message_id

    def save_all(self, requests: Iterable[IntercomRequest | Message]) -> list[str]:
        try:
            return self._publisher.publish_batch(requests)
        except (BrokerUnavailable, Unroutable, MalformedMessage) as error:
            assert_type(error.results, tuple[PublishResult, ...])
            confirmed = [result.message_id for result in error.results if result.status is PublishStatus.CONFIRMED]
            assert_type(confirmed, list[str | None])
            return [message_id for message_id in confirmed if message_id is not None]


def publish(environ: Mapping[str, str]) -> list[str]:
    message = Message(REQUEST, ordering_key="42", message_id="m1", timestamp=1_700_000_000, trace=TraceContext("00"))
    assert_type(message.request, IntercomRequest)
    with Publisher("amqp://rabbitmq/", "intercom", declare=True) as publisher:
        assert_type(publisher, Publisher)
        Contacts(publisher).save("ada@example.com")
        ids = publisher.publish_batch([REQUEST, message])
        assert_type(ids, list[str])
    built = build_publisher(environ)
    assert_type(built, Publisher)
    built.close()
    return ids


async def publish_asynchronously() -> list[str]:
    async with AsyncPublisher("amqp://rabbitmq/", "intercom") as publisher:
        assert_type(publisher, AsyncPublisher)
        assert_type(await publisher.publish(REQUEST, ordering_key="42"), str)
        return await publisher.publish_batch([REQUEST])


def explain(error: InvalidRequest | Unroutable) -> str:
    if isinstance(error, InvalidRequest):
        malformed: MalformedMessage = error
        return str(malformed)
    operators: OperatorError = error
    return str(operators)


def test_support() -> list[Message]:
    publisher = InMemoryPublisher()
    Contacts(publisher).save("ada@example.com")
    assert_type(publisher.messages, list[Message])
    return publisher.messages
