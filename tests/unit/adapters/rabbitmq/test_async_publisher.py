"""AsyncPublisher on a broker in memory; tests/integration/test_publishers.py has what a real one must do."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from intercom_sink import BrokerUnavailable, IntercomRequest, Message, PublishStatus, Unroutable
from intercom_sink.adapters.rabbitmq import async_connection, async_publisher
from intercom_sink.aio import AsyncPublisher
from tests.unit.adapters.rabbitmq.fake_aio_pika import FakeAioPika, turn, turn_until

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})


@pytest.fixture
def aio_pika(monkeypatch: pytest.MonkeyPatch) -> FakeAioPika:
    fake = FakeAioPika()
    monkeypatch.setattr(async_publisher, "open_connection", fake.open_connection)
    return fake


def run(test: Callable[[AsyncPublisher], Awaitable[None]], *, declare: bool = False, parameters: str = "") -> None:
    async def with_publisher() -> None:
        async with AsyncPublisher(f"amqp://rabbit/{parameters}", "queue", declare=declare) as publisher:
            await test(publisher)

    asyncio.run(with_publisher())


async def unconfirmed(call: Awaitable[object]) -> list[PublishStatus]:
    """The results of a call that fails."""
    with pytest.raises((BrokerUnavailable, Unroutable)) as caught:
        await call
    return [result.status for result in caught.value.results]


def test_message_id_that_is_in_flight_is_not_sent_again_before_its_confirm(aio_pika: FakeAioPika) -> None:
    """aio-pika would take the return of one for that of the other, whose sender would believe it confirmed."""

    async def test(publisher: AsyncPublisher) -> None:
        first, second = (asyncio.create_task(publisher.publish(REQUEST, message_id="same")) for _ in range(2))
        other = asyncio.create_task(publisher.publish(REQUEST, message_id="other"))
        await turn_until(lambda: len(aio_pika.sent) == 2)
        await turn()
        assert [sent.message_id for sent in aio_pika.sent] == ["same", "other"]
        aio_pika.sent[0].return_it()
        assert await unconfirmed(first) == [PublishStatus.RETURNED]
        await turn_until(lambda: len(aio_pika.sent) == 3)
        aio_pika.sent[2].ack()
        assert await second == "same"
        aio_pika.sent[1].ack()
        assert await other == "other"

    run(test)


def test_cancelled_call_lets_the_next_one_with_its_message_id_go_on(aio_pika: FakeAioPika) -> None:
    async def test(publisher: AsyncPublisher) -> None:
        first, second = (asyncio.create_task(publisher.publish(REQUEST, message_id="same")) for _ in range(2))
        await turn_until(lambda: len(aio_pika.sent) == 1)
        first.cancel()
        await turn_until(lambda: len(aio_pika.sent) == 2)
        aio_pika.sent[1].ack()
        assert await second == "same"
        assert first.cancelled()

    run(test)


def test_next_broker_is_tried_after_a_virtual_host_that_cannot_be_opened(aio_pika: FakeAioPika) -> None:
    async def test(_: AsyncPublisher) -> None:
        async with AsyncPublisher("amqp://one/..,amqp://two/", "intercom") as publisher:
            call = asyncio.create_task(publisher.publish(REQUEST))
            await turn_until(lambda: len(aio_pika.sent) == 1)
            aio_pika.sent[0].ack()
            await call

    run(test)


def test_close_waits_for_the_calls_under_way_and_a_later_call_opens_another_connection(aio_pika: FakeAioPika) -> None:
    async def test(publisher: AsyncPublisher) -> None:
        call = asyncio.create_task(publisher.publish(REQUEST))
        await turn_until(lambda: len(aio_pika.sent) == 1)
        closing = asyncio.create_task(publisher.close())
        await turn()
        later = asyncio.create_task(publisher.publish(REQUEST))
        await turn()
        assert not closing.done()
        assert len(aio_pika.sent) == 1, "a call that begins later waits"
        aio_pika.sent[0].ack()
        await asyncio.gather(call, closing)
        await turn_until(lambda: len(aio_pika.connections) == 2 and len(aio_pika.sent) == 1)
        aio_pika.sent[0].ack()
        await later
        assert [connection.is_closed for connection in aio_pika.connections] == [True, False]

    run(test)
    assert [connection.is_closed for connection in aio_pika.connections] == [True, True]


def test_block_that_ends_while_a_call_reconnects_leaves_no_connection_open(aio_pika: FakeAioPika) -> None:
    async def test() -> None:
        async with AsyncPublisher("amqp://rabbit/", "queue") as publisher:
            first = asyncio.create_task(publisher.publish(REQUEST))
            await turn_until(lambda: len(aio_pika.sent) == 1)
            aio_pika.sent[0].ack()
            await first
            call = asyncio.create_task(publisher.publish(REQUEST))
            await turn_until(lambda: len(aio_pika.sent) == 2)
            await aio_pika.connections[0].close()
            ending = asyncio.create_task(publisher.close())
            await turn_until(lambda: len(aio_pika.connections) == 2 and len(aio_pika.sent) == 1)
            aio_pika.sent[0].ack()
        assert call.done()
        await ending

    asyncio.run(test())
    assert [connection.is_closed for connection in aio_pika.connections] == [True, True]


@pytest.mark.parametrize("declare", [False, True])
def test_nack_leaves_the_connection_to_the_other_calls(aio_pika: FakeAioPika, declare: bool) -> None:
    async def test(publisher: AsyncPublisher) -> None:
        refused, accepted = (asyncio.create_task(publisher.publish(REQUEST)) for _ in range(2))
        await turn_until(lambda: len(aio_pika.sent) == 2)
        aio_pika.sent[0].nack()
        assert await unconfirmed(refused) == [PublishStatus.NACKED]
        assert not aio_pika.connections[0].is_closed
        aio_pika.sent[1].ack()
        await accepted
        assert len(aio_pika.connections) == 1

    run(test, declare=declare)


def test_same_id_returned_and_then_lost_is_returned(aio_pika: FakeAioPika) -> None:
    """A connection that breaks between the return and the confirm of the other one leaves nothing to send again."""

    async def test(publisher: AsyncPublisher) -> None:
        first = asyncio.create_task(publisher.publish(REQUEST))
        await turn_until(lambda: len(aio_pika.sent) == 1)
        aio_pika.sent[0].ack()
        await first
        batch = asyncio.create_task(publisher.publish_batch([Message(REQUEST, message_id="same")] * 2))
        await turn_until(lambda: len(aio_pika.sent) == 3)
        aio_pika.sent[1].return_it()
        await aio_pika.connections[0].close()
        with pytest.raises(Unroutable) as caught:
            await batch
        assert [result.status for result in caught.value.results] == [PublishStatus.RETURNED] * 2

    run(test)


@pytest.mark.parametrize(
    ("parameters", "is_blocked", "expected"),
    [
        ("?blocked_connection_timeout=0.01", True, [PublishStatus.UNKNOWN]),
        ("?blocked_connection_timeout=0.01", False, []),
        ("?blocked_connection_timeout=0", True, []),
        ("", False, []),
    ],
)
def test_only_a_broker_that_blocks_must_confirm_within_the_timeout_of_the_url(
    aio_pika: FakeAioPika, parameters: str, is_blocked: bool, expected: list[PublishStatus]
) -> None:
    async def test(publisher: AsyncPublisher) -> None:
        call = asyncio.create_task(publisher.publish(REQUEST))
        await turn_until(lambda: len(aio_pika.sent) == 1)
        aio_pika.connections[0].is_blocked = is_blocked
        asyncio.get_running_loop().call_later(0.05, aio_pika.sent[0].ack)
        if expected:
            assert await unconfirmed(call) == expected
        else:
            await call
        assert aio_pika.connections[0].is_closed == bool(expected)

    run(test, parameters=parameters)


def test_broker_that_does_not_confirm_fails_the_call(aio_pika: FakeAioPika, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_connection, "CONFIRM_TIMEOUT", 0.01)

    async def test(publisher: AsyncPublisher) -> None:
        assert await unconfirmed(publisher.publish(REQUEST)) == [PublishStatus.UNKNOWN]
        assert aio_pika.connections[0].is_closed

    run(test)
