import asyncio
from collections.abc import Iterator

import pytest

from intercom_sink import (
    BrokerUnavailable,
    IntercomRequest,
    MessagePublisher,
    PublishStatus,
    Sink,
    Unroutable,
    decode,
    encode,
)
from intercom_sink.domain.json_value import JsonValue
from intercom_sink.testing import (
    InMemoryAsyncPublisher,
    InMemoryGateway,
    InMemoryPublisher,
    InMemorySource,
    VirtualClock,
)
from tests.contracts.message_publisher import REQUEST, MessagePublisherContract, Rig, Stored, numbered
from tests.support.publishers import BlockingPublisher


class InMemoryRig:
    """A publisher, and the fake whose `messages` are the queue."""

    def __init__(self, publisher: MessagePublisher, fake: InMemoryPublisher | InMemoryAsyncPublisher) -> None:
        self.publisher = publisher
        self._fake = fake

    def take_all(self) -> list[Stored]:
        taken = [
            Stored(encode(each.request), each.message_id, each.ordering_key, each.timestamp, each.trace)
            for each in self._fake.messages
        ]
        self._fake.messages.clear()
        return taken

    @property
    def depth(self) -> int:
        return len(self._fake.messages)

    def remove_queue(self) -> None:
        self._fake.fail_with(Unroutable("there is no queue"))

    def restore_queue(self) -> None:
        self._fake.fail_with(None)


class TestInMemoryPublisher(MessagePublisherContract):
    @pytest.fixture
    def rig(self) -> Rig:
        publisher = InMemoryPublisher()
        return InMemoryRig(publisher, publisher)


class TestInMemoryAsyncPublisher(MessagePublisherContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        fake = InMemoryAsyncPublisher()
        publisher = BlockingPublisher(fake)
        yield InMemoryRig(publisher, fake)
        publisher.close_loop()


def test_fails_when_it_is_asked_to() -> None:
    publisher = InMemoryPublisher()
    publisher.fail_with(BrokerUnavailable("gone"), after=2)
    publisher.publish(REQUEST)
    with pytest.raises(BrokerUnavailable, match="gone") as caught:
        publisher.publish_batch([REQUEST, REQUEST, REQUEST])
    confirmed, *unknown = caught.value.results
    assert confirmed.status is PublishStatus.CONFIRMED
    assert [result.status for result in unknown] == [PublishStatus.UNKNOWN] * 2
    assert [result.index for result in caught.value.results] == [0, 1, 2]
    with pytest.raises(BrokerUnavailable):
        publisher.publish(REQUEST)
    assert len(publisher.messages) == 2
    publisher.fail_with(None)
    publisher.publish(REQUEST)
    assert len(publisher.messages) == 3


def test_notes_that_it_was_closed() -> None:
    with InMemoryPublisher() as publisher:
        assert not publisher.closed
    assert publisher.closed


def test_publisher_for_asyncio_notes_that_it_was_closed() -> None:
    async def publish() -> InMemoryAsyncPublisher:
        async with InMemoryAsyncPublisher() as publisher:
            assert not publisher.closed
            await publisher.publish(REQUEST)
        return publisher

    publisher = asyncio.run(publish())
    assert (publisher.closed, len(publisher.messages)) == (True, 1)


def test_published_messages_can_be_delivered() -> None:
    publisher = InMemoryPublisher()
    publisher.publish_batch([numbered(1), numbered(2)])
    clock, gateway = VirtualClock(), InMemoryGateway()
    source = InMemorySource([encode(each.request) for each in publisher.messages], monotonic=clock.monotonic)
    assert Sink(source, gateway, clock, decode).run() == {"delivered": 2}
    assert gateway.requests == [
        IntercomRequest("POST", "/contacts", {"number": 1}),
        IntercomRequest("POST", "/contacts", {"number": 2}),
    ]


def test_data_may_be_changed_after_it_was_published() -> None:
    publisher = InMemoryPublisher()
    data: dict[str, JsonValue] = {}
    for name in ("Ada", "Grace"):
        data["name"] = name
        publisher.publish(IntercomRequest("POST", "/contacts", data))
    assert [message.request.data for message in publisher.messages] == [{"name": "Ada"}, {"name": "Grace"}]
