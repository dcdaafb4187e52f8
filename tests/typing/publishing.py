"""Publishes messages, and tests that it does, with and without asyncio; checked as api.py is."""

from collections.abc import Iterator, Mapping
from typing import assert_type

from intercom_sink import (
    AsyncMessagePublisher,
    BrokerUnavailable,
    IntercomRequest,
    IntercomSinkError,
    InvalidRequest,
    MalformedMessage,
    Message,
    MessagePublisher,
    Publisher,
    PublishResult,
    PublishStatus,
    TraceContext,
    Unroutable,
    build_publisher,
)
from intercom_sink.aio import AsyncPublisher
from intercom_sink.testing import InMemoryAsyncPublisher, InMemoryPublisher

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})

URL = "amqp://rabbitmq/"


def messages() -> Iterator[IntercomRequest | Message]:
    message = Message(REQUEST, "contact-42", message_id="m1", timestamp=1_700_000_000)
    assert_type(message.request, IntercomRequest)
    assert_type(message.ordering_key, str | None)
    assert_type(message.message_id, str | None)
    assert_type(message.timestamp, int | None)
    assert_type(message.trace, TraceContext | None)
    yield message
    yield REQUEST


def publish_in_a_service(environ: Mapping[str, str]) -> list[str]:
    with build_publisher(environ, declare=True) as publisher:
        assert_type(publisher, Publisher)
        assert_type(publisher.publish(REQUEST, ordering_key="contact-42", message_id="m2"), str)
        assert_type(publisher.publish_batch(messages()), list[str])
        return publish_by_the_port(publisher)


def publish_without_the_environment() -> None:
    with Publisher(URL, "intercom", declare=True) as publisher:
        assert_type(publisher, Publisher)
        publisher.publish(Message(REQUEST))


def publish_by_the_port(publisher: MessagePublisher) -> list[str]:
    assert_type(publisher.publish(REQUEST), str)
    confirmed = publisher.publish_batch([Message(REQUEST), REQUEST])
    assert_type(confirmed, list[str])
    return confirmed


async def publish_from_asyncio() -> list[str]:
    async with AsyncPublisher(URL, "intercom", declare=True) as publisher:
        assert_type(publisher, AsyncPublisher)
        assert_type(await publisher.publish(REQUEST, ordering_key="contact-42", message_id="m3"), str)
        assert_type(await publisher.publish_batch(messages()), list[str])
        return await publish_by_the_async_port(publisher)


async def publish_by_the_async_port(publisher: AsyncMessagePublisher) -> list[str]:
    assert_type(await publisher.publish(REQUEST), str)
    confirmed = await publisher.publish_batch([Message(REQUEST), REQUEST])
    assert_type(confirmed, list[str])
    await publisher.close()
    return confirmed


def unblocking(publisher: AsyncPublisher) -> None:
    publish_by_the_port(publisher)  # type: ignore[arg-type]  # its calls must be awaited


def what_is_not_a_message(publisher: MessagePublisher) -> None:
    publisher.publish({"method": "GET", "path": "/me", "data": None})  # type: ignore[arg-type]
    publisher.publish_batch(REQUEST)  # type: ignore[arg-type]
    publisher.publish(REQUEST, "contact-42")  # type: ignore[call-arg]


def explain(error: IntercomSinkError) -> str:
    match error:
        case InvalidRequest():
            malformed: MalformedMessage = error
            assert_type(malformed.index, int | None)
            assert_type(error.field, str)
            assert_type(error.rule, str)
            return error.source
        case Unroutable() | BrokerUnavailable():
            assert_type(error.results, tuple[PublishResult, ...])
            return ", ".join(map(describe, error.results))
        case _:
            return str(error)


def describe(result: PublishResult) -> str:
    assert_type(result.index, int)
    assert_type(result.message_id, str | None)
    assert_type(result.status, PublishStatus)
    status_text: str = result.status
    match result.status:
        case PublishStatus.CONFIRMED | PublishStatus.RETURNED | PublishStatus.NACKED:
            return status_text
        case PublishStatus.UNKNOWN:
            return f"{result.message_id} may be in the queue"


def test_support() -> list[Message]:
    with InMemoryPublisher() as publisher:
        assert_type(publisher, InMemoryPublisher)
        publish_by_the_port(publisher)
        publisher.fail_with(Unroutable("no queue"))
        publisher.fail_with(BrokerUnavailable("down", retryable=True), after=1)
        publisher.fail_with(None)
    assert_type(publisher.closed, bool)
    assert_type(publisher.messages, list[Message])
    return publisher.messages


async def async_test_support() -> list[Message]:
    async with InMemoryAsyncPublisher() as publisher:
        assert_type(publisher, InMemoryAsyncPublisher)
        await publish_by_the_async_port(publisher)
        publisher.fail_with(Unroutable("no queue"))
    assert_type(publisher.closed, bool)
    assert_type(publisher.messages, list[Message])
    return publisher.messages
