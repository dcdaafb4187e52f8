"""A message to publish: a request, and what travels beside it."""

from dataclasses import dataclass, replace

from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import check_json
from intercom_sink.domain.request import IntercomRequest

MAX_KEY = 255
"""Maximum bytes of an ordering key, or of a message id (a short string of AMQP)."""

MAX_TIMESTAMP = 253_402_300_799
"""The last Unix second of the year 9999, in seconds. Milliseconds of today are later: a likely mistake."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request to Intercom, as a message to publish.

    Args:
        request: what Intercom is asked to do.
        ordering_key: messages with the same key reach Intercom in order; None: one lane for all without it.
        message_id: identifies it in log lines and traces; None: a new UUID when it is published.
        timestamp: when it was made, in Unix seconds; None: when it is published.
        trace: the trace that it belongs to; None: that of the publisher's own span, if traces are configured.

    Raises:
        MalformedMessage: a field is invalid; the text names it, and shows nothing of what it holds.
    """

    request: IntercomRequest
    ordering_key: str | None = None
    message_id: str | None = None
    timestamp: int | None = None
    trace: TraceContext | None = None

    def __post_init__(self) -> None:
        """Checks each field; of the request only the type, since it checks itself."""
        _check_request(self.request)
        _check_key(self.ordering_key, "ordering_key")
        _check_key(self.message_id, "message_id")
        if self.message_id == "":
            raise MalformedMessage("message_id is empty")
        _check_timestamp(self.timestamp)
        _check_trace(self.trace)


def _check_request(request: object) -> None:
    if not isinstance(request, IntercomRequest):
        raise MalformedMessage(f"request is not an IntercomRequest but {type(request).__name__}")


def _check_trace(trace: object) -> None:
    if not isinstance(trace, TraceContext | None):
        raise MalformedMessage(f"trace is not a TraceContext but {type(trace).__name__}")


def _check_timestamp(timestamp: object) -> None:
    if not (timestamp is None or (isinstance(timestamp, int) and 0 <= timestamp <= MAX_TIMESTAMP)):
        raise MalformedMessage("timestamp is not a number of whole Unix seconds before the year 10000")


def _check_key(key: object, field: str) -> None:
    if key is None:
        return
    if not isinstance(key, str):
        raise MalformedMessage(f"{field} is not text")
    check_json(key, field)
    if len(key.encode()) > MAX_KEY:
        raise MalformedMessage(f"{field} is longer than {MAX_KEY} bytes")


def to_message(
    request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
) -> Message:
    """The message for a request, or the same message; a key or an id that is given replaces its own.

    Raises:
        MalformedMessage: what is given is neither, or the key or the id is invalid.
    """
    message = request if isinstance(request, Message) else Message(request)
    if ordering_key is not None:
        message = replace(message, ordering_key=ordering_key)
    if message_id is not None:
        message = replace(message, message_id=message_id)
    return message
