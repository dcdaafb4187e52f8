"""The promises of MessagePublisher."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from intercom_sink import (
    IntercomRequest,
    InvalidRequest,
    MalformedMessage,
    Message,
    MessagePublisher,
    PublishStatus,
    TraceContext,
    Unroutable,
    encode,
)
from intercom_sink.domain.confirms import WINDOW_MESSAGES

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
WITHOUT_NAME = IntercomRequest("POST", "/events", {"created_at": 1_700_000_000, "user_id": "1"})
TRACE = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1")


@dataclass(frozen=True)
class Stored:
    """A message in the queue."""

    body: bytes
    message_id: str | None
    ordering_key: str | None
    timestamp: int | None
    trace: TraceContext | None


class Rig(Protocol):
    """A publisher, and its queue, which exists and is empty."""

    @property
    def publisher(self) -> MessagePublisher:
        """The publisher."""

    def take_all(self) -> list[Stored]:
        """Removes every message from the queue."""

    @property
    def depth(self) -> int:
        """How many messages are in the queue."""

    def remove_queue(self) -> None:
        """From now on the queue does not exist."""

    def restore_queue(self) -> None:
        """Ends that."""


def numbered(number: int) -> IntercomRequest:
    return IntercomRequest("POST", "/contacts", {"number": number})


def nested(levels: int) -> object:
    value: object = None
    for _ in range(levels):
        value = [value]
    return value


class MessagePublisherContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_message_is_in_the_queue_once_the_call_returns(self, rig: Rig) -> None:
        message_id = rig.publisher.publish(REQUEST, ordering_key="contact-42")
        (stored,) = rig.take_all()
        assert stored.body == encode(REQUEST)
        assert (stored.message_id, stored.ordering_key, stored.trace) == (message_id, "contact-42", None)

    def test_all_that_a_message_says_is_published(self, rig: Rig) -> None:
        message = Message(REQUEST, "key-é", "an-id", 1_700_000_000, TRACE)
        assert rig.publisher.publish(message) == "an-id"
        assert rig.take_all() == [Stored(encode(REQUEST), "an-id", "key-é", 1_700_000_000, TRACE)]

    def test_key_and_id_of_the_call_replace_those_of_the_message(self, rig: Rig) -> None:
        message = Message(REQUEST, ordering_key="old", message_id="old")
        assert rig.publisher.publish(message, ordering_key="new", message_id="new-id") == "new-id"
        (stored,) = rig.take_all()
        assert (stored.ordering_key, stored.message_id) == ("new", "new-id")

    def test_each_message_without_an_id_gets_one_of_its_own(self, rig: Rig) -> None:
        ids = [rig.publisher.publish(REQUEST), *rig.publisher.publish_batch([REQUEST, REQUEST])]
        assert [stored.message_id for stored in rig.take_all()] == ids
        assert len(set(ids)) == 3

    def test_batch_is_published_in_order(self, rig: Rig) -> None:
        messages = [Message(numbered(number), str(number), f"id-{number}") for number in range(50)]
        ids = rig.publisher.publish_batch(iter(messages))
        assert ids == [f"id-{number}" for number in range(50)]
        stored = rig.take_all()
        assert [each.body for each in stored] == [encode(numbered(number)) for number in range(50)]
        assert [each.ordering_key for each in stored] == [str(number) for number in range(50)]

    def test_empty_batch_publishes_nothing(self, rig: Rig) -> None:
        assert rig.publisher.publish_batch([]) == []
        assert rig.depth == 0

    def test_invalid_message_is_refused_and_not_published(self, rig: Rig) -> None:
        with pytest.raises(InvalidRequest, match="event_name is missing") as caught:
            rig.publisher.publish(WITHOUT_NAME)
        assert caught.value.source.startswith("https://developers.intercom.com/")
        with pytest.raises(MalformedMessage, match="not an IntercomRequest but dict"):
            rig.publisher.publish({"method": "GET"})  # type: ignore[arg-type]
        with pytest.raises(MalformedMessage, match="ordering_key is longer than 255 bytes"):
            rig.publisher.publish(REQUEST, ordering_key="k" * 256)
        assert rig.depth == 0

    @pytest.mark.parametrize(
        ("key", "value", "problem"),
        [
            ("now", b"binary", r"data\['now'\] is binary"),
            ("now", threading.Lock(), r"data\['now'\] is of type lock"),
            ("now", nested(1_000), "is nested deeper than 256 levels"),
            (1, True, "data has a key that is not text"),
        ],
        ids=["binary", "lock", "deep", "key"],
    )
    def test_data_that_was_changed_to_no_json_value_is_refused(
        self, rig: Rig, key: object, value: object, problem: str
    ) -> None:
        data: dict[object, object] = {}
        request = IntercomRequest("POST", "/contacts", data)  # type: ignore[arg-type]
        data[key] = value
        with pytest.raises(MalformedMessage, match=problem):
            rig.publisher.publish(request)
        assert rig.depth == 0

    @pytest.mark.parametrize("in_its_window", [0, 2])
    def test_invalid_message_keeps_its_window_of_the_batch_from_being_sent(self, rig: Rig, in_its_window: int) -> None:
        messages = [*(numbered(number) for number in range(WINDOW_MESSAGES + in_its_window)), WITHOUT_NAME]
        with pytest.raises(InvalidRequest) as caught:
            rig.publisher.publish_batch(messages)
        assert caught.value.index == WINDOW_MESSAGES + in_its_window
        assert [result.index for result in caught.value.results] == list(range(WINDOW_MESSAGES))
        assert {result.status for result in caught.value.results} == {PublishStatus.CONFIRMED}
        assert rig.depth == WINDOW_MESSAGES

    def test_error_of_the_iterable_is_raised_and_its_window_not_sent(self, rig: Rig) -> None:
        def messages() -> Iterator[IntercomRequest]:
            yield REQUEST
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            rig.publisher.publish_batch(messages())
        assert rig.depth == 0

    def test_queue_that_does_not_exist_is_an_error_that_names_every_message(self, rig: Rig) -> None:
        rig.remove_queue()
        with pytest.raises(Unroutable):
            rig.publisher.publish(REQUEST)
        with pytest.raises(Unroutable) as caught:
            rig.publisher.publish_batch([Message(REQUEST, message_id=name) for name in ("a", "b", "b")])
        assert [(result.index, result.message_id, result.status) for result in caught.value.results] == [
            (0, "a", PublishStatus.RETURNED),
            (1, "b", PublishStatus.RETURNED),
            (2, "b", PublishStatus.RETURNED),
        ]
        rig.restore_queue()
        rig.publisher.publish(REQUEST)
        assert rig.depth == 1

    def test_closed_publisher_opens_again(self, rig: Rig) -> None:
        rig.publisher.close()
        rig.publisher.publish(REQUEST)
        rig.publisher.close()
        rig.publisher.close()
        rig.publisher.publish(REQUEST)
        assert rig.depth == 2
