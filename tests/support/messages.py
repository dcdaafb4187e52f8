"""Messages that tests tell apart by a number: `POST /contacts/NUMBER`."""

from collections.abc import Iterable
from itertools import cycle, islice

from intercom_sink import IntercomRequest, encode
from intercom_sink.domain.json_value import JsonValue
from intercom_sink.testing.intercom import FakeIntercom
from tests.support.queues import Queue


def message(number: int, **data: JsonValue) -> bytes:
    """A message with a number in its path and in its data, and more data."""
    return encode(IntercomRequest("POST", f"/contacts/{number}", {"number": number} | data))


def messages(count: int) -> list[bytes]:
    """Messages 0 to count - 1."""
    return [message(number) for number in range(count)]


def numbers(intercom: FakeIntercom) -> list[int]:
    """The numbers of the messages that Intercom has received, in the order of their arrival."""
    return [request.data["number"] for request in intercom.requests]


def key_names(count: int) -> list[str]:
    """So many ordering keys."""
    return [f"key {number}" for number in range(count)]


def publish_with_keys(queue: Queue, count: int, keys: Iterable[str | None]) -> None:
    """Publishes messages 0 to count - 1 with these ordering keys in turn; the data names the key too."""
    chosen = list(islice(cycle(keys), count))
    queue.publish(*(message(number, key=key) for number, key in enumerate(chosen)), keys=chosen)
