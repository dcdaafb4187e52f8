"""Messages on their way to the broker: encoded, and grouped in windows.

A window is what is sent before its confirms are awaited; it has nothing to do with Intercom's rate window.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from intercom_sink.adapters.messages.codec import encode
from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.domain.batch import new_message_id, prepare_each
from intercom_sink.domain.confirms import WINDOW_MESSAGES
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.known_refusals import check_accepted
from intercom_sink.domain.message import Message
from intercom_sink.domain.request import IntercomRequest

CONTENT_TYPE = "application/msgpack"

WINDOW_BYTES = 4 * 2**20
"""Bytes of the messages of a window, unless a single one has more."""


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A message as it is published.

    Args:
        body: the encoded request.
        ordering_key: its ordering key, if it has one.
        message_id: identifies it.
        timestamp: in Unix seconds; None: now.
        trace: the trace that it belongs to, if its producer has named one.
    """

    body: bytes
    ordering_key: str | None
    message_id: str
    timestamp: int | None = None
    trace: TraceContext | None = None

    def headers(self, trace: TraceContext | None) -> dict[str, str]:
        """Its headers; `trace` is that of the publisher's own span, which a message with a trace does not have."""
        key = {} if self.ordering_key is None else {ORDERING_KEY_HEADER: self.ordering_key}
        carried = self.trace or trace
        return key if carried is None else key | carried.headers()

    def unix_time(self) -> int:
        """Its timestamp, or the time now."""
        return int(time.time()) if self.timestamp is None else self.timestamp


def encode_message(message: Message, *, known_refusals: bool = True) -> EncodedMessage:
    """Encodes a message.

    Args:
        message: the message.
        known_refusals: whether a request that Intercom is known to refuse is an error.

    Raises:
        MalformedMessage: it can't be encoded, or InvalidRequest: Intercom would refuse it.
    """
    body = encode(message.request)  # checks the data again, which may have been changed since
    if known_refusals:
        check_accepted(message.request)
    return EncodedMessage(
        body,
        message.ordering_key,
        message.message_id or new_message_id(),
        message.timestamp,
        message.trace,
    )


def encode_batch(messages: Iterable[IntercomRequest | Message]) -> Iterator[EncodedMessage]:
    """Encodes each message when it is asked for; an error that `encode_message` raises says which message it is."""
    return prepare_each(messages, encode_message)


def windows(messages: Iterable[EncodedMessage]) -> Iterator[list[EncodedMessage]]:
    """The messages in their order, in lists of at most WINDOW_MESSAGES and, unless it is a single one, WINDOW_BYTES.

    A full list comes before the next message is asked for: that may be invalid, or take its time.
    """
    window: list[EncodedMessage] = []
    size = 0
    for message in messages:
        if window and size + len(message.body) > WINDOW_BYTES:
            yield window
            window, size = [], 0
        window.append(message)
        size += len(message.body)
        if len(window) == WINDOW_MESSAGES or size >= WINDOW_BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window
