"""Publishes messages for the sink: the publisher of services and of the command line."""

import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pika.spec import PERSISTENT_DELIVERY_MODE, BasicProperties

from intercom_sink.adapters.rabbitmq import checked_queue_name
from intercom_sink.adapters.rabbitmq.brokers import Brokers, to_brokers
from intercom_sink.adapters.rabbitmq.confirmed_publisher import ConfirmedPublisher, Outgoing
from intercom_sink.adapters.rabbitmq.encoded_messages import (
    CONTENT_TYPE,
    EncodedMessage,
    encode_batch,
    encode_message,
    windows,
)
from intercom_sink.adapters.traces.installed import producer_spans
from intercom_sink.domain.batch import after_confirmed
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.message import Message, to_message
from intercom_sink.domain.request import IntercomRequest

if TYPE_CHECKING:
    from intercom_sink.adapters.traces.publishing import ProducerSpan


class Publisher:
    """Publishes messages to the sink's queue: persistent, mandatory, and confirmed by the broker.

        with Publisher("amqp://user:password@rabbitmq/", "intercom") as publisher:
            publisher.publish(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))

    The first call connects, so a service starts while RabbitMQ is down; `close`, or the end of the `with` block, closes
    the connection. Any number of threads may use a publisher at once: a lock lets them publish one after the other,
    over one connection. A process that forks must make it after the fork.

    A connection that was open before and turns out to be dead is replaced, once for each window, and the messages
    without a confirm are sent again with the same message ids. The broker may have stored some of them the first time,
    so they may be in the queue twice, the second time behind later ones; delivery to Intercom is at least once anyway.
    Nothing sends heartbeats between two calls, so the broker may close an idle connection; the next call replaces it
    before it sends.

    A broker that is short of memory or disk blocks publishers: a call then fails after 30 s, or after
    `blocked_connection_timeout` of the URL, if that is shorter. A call also fails if the broker has not confirmed a
    window within 30 s.

    Each message has a producer span where OpenTelemetry is installed and configured, unless it names its own trace.

    Args:
        url: what CJW_RABBITMQ_HOST holds, several URLs by commas; or Brokers, whose URLs may change.
        queue: the queue's name.
        declare: whether to declare the queue durable if it does not exist. By default it must exist.

    Raises:
        ValueError: a URL or the queue's name is invalid; the text never shows a password.
    """

    def __init__(self, url: str | Brokers, queue: str, *, declare: bool = False) -> None:
        self._queue = checked_queue_name(queue)
        self._publisher = ConfirmedPublisher(to_brokers(url), queue, declare=declare)
        self._lock = threading.Lock()
        self._calls: set[object] = set()
        self._call_ended = threading.Condition()

    def __enter__(self) -> Self:
        """Does not connect: the first call does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the connection."""
        self.close()

    def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        """Publishes one message, and returns its message id once the broker has confirmed it.

        Args:
            request: the request, or a message that holds one.
            ordering_key: messages with the same key reach Intercom in order; it replaces the message's own.
            message_id: replaces the message's own.

        Raises:
            MalformedMessage: the message is invalid, or InvalidRequest: Intercom would refuse it. It was not sent.
            Unroutable: the queue does not exist. The message is in no queue.
            BrokerUnavailable: it was not confirmed, but may be in the queue nevertheless. The next call reconnects.
        """
        message = encode_message(to_message(request, ordering_key=ordering_key, message_id=message_id))
        with self._under_way():
            self._publish_window([message], 0)
        return message.message_id

    def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        """Publishes messages in order, and returns their message ids once the broker has confirmed all of them.

        Much faster than one by one: the messages are sent in windows of up to 1,000, or 4 MiB, with one round trip
        each. So an iterable may be long: one window is kept in memory, and the ids. The messages of a window are
        checked before any of it is sent, but those of later windows are not checked yet: when one of them is invalid,
        earlier windows are in the queue. Other threads may publish between windows.

        Raises:
            MalformedMessage, Unroutable, BrokerUnavailable: as `publish` does. `results` of the error has the fate of
                each message that was sent, with its place and its id; `index` of a MalformedMessage is its place. No
                message of a later window was sent. What the iterable raises is raised, and its window is not sent.
        """
        return self.publish_encoded(encode_batch(messages))

    def publish_encoded(self, messages: Iterable[EncodedMessage]) -> list[str]:
        """The same as `publish_batch`, of messages that have been checked and encoded before."""
        confirmed: list[str] = []
        with self._under_way(), after_confirmed(confirmed):
            for window in windows(messages):
                self._publish_window(window, len(confirmed))
                confirmed += [message.message_id for message in window]
        return confirmed

    def close(self) -> None:
        """Closes the connection, if there is one, once the calls under way have ended. A later call opens another one.

        A batch ends with its iterable, so that must not call this.
        """
        with self._call_ended:
            earlier = frozenset(self._calls)  # later ones might never let it end
            self._call_ended.wait_for(lambda: earlier.isdisjoint(self._calls))
        with self._lock:
            self._publisher.close()

    @contextmanager
    def _under_way(self) -> Generator[None]:
        """The block is a call that `close` waits for."""
        call = object()
        try:
            with self._call_ended:
                self._calls.add(call)
            yield
        finally:
            with self._call_ended:
                self._calls.discard(call)
                self._call_ended.notify_all()

    def _publish_window(self, window: Sequence[EncodedMessage], first_index: int) -> None:
        with producer_spans(self._queue, [message.trace is None for message in window]) as spans, self._lock:
            outgoing = [to_outgoing(message, span) for message, span in zip(window, spans, strict=True)]
            self._publisher.publish(outgoing, first_index)


def to_outgoing(message: EncodedMessage, span: "ProducerSpan | None") -> Outgoing:
    """An encoded message with its properties, and with its own span, if it has one."""
    trace, sending = (None, nullcontext) if span is None else (span.trace, span.current)
    return Outgoing(message.body, lambda _: message_properties(message, trace), message.message_id, sending)


def message_properties(message: EncodedMessage, trace: TraceContext | None) -> BasicProperties:
    """The AMQP properties of a message; `trace` is that of the publisher's own span."""
    return BasicProperties(
        delivery_mode=PERSISTENT_DELIVERY_MODE,
        content_type=CONTENT_TYPE,
        message_id=message.message_id,
        timestamp=message.unix_time(),
        headers=message.headers(trace) or None,
    )
