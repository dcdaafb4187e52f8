"""Publishes messages for the sink from asyncio, on aio-pika."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aio_pika
from aiormq.exceptions import DeliveryError, PublishError

from intercom_sink.adapters.rabbitmq import CLOSE_TIMEOUT, checked_queue_name
from intercom_sink.adapters.rabbitmq.aio_pika_errors import AIO_PIKA_ERRORS, is_connection_lost, translate
from intercom_sink.adapters.rabbitmq.async_calls import AsyncCalls
from intercom_sink.adapters.rabbitmq.async_connection import ConfirmConnection, open_connection
from intercom_sink.adapters.rabbitmq.brokers import Brokers, to_brokers
from intercom_sink.adapters.rabbitmq.encoded_messages import (
    CONTENT_TYPE,
    EncodedMessage,
    encode_batch,
    encode_message,
    windows,
)
from intercom_sink.adapters.rabbitmq.publish_failures import add_results, find_failure
from intercom_sink.adapters.traces.installed import producer_spans
from intercom_sink.domain.batch import after_confirmed
from intercom_sink.domain.confirms import PublishStatus
from intercom_sink.domain.errors import BrokerUnavailable, Unroutable
from intercom_sink.domain.message import Message, to_message
from intercom_sink.domain.request import IntercomRequest

if TYPE_CHECKING:
    from intercom_sink.adapters.traces.publishing import ProducerSpan

LOST = (*AIO_PIKA_ERRORS, asyncio.CancelledError)
"""What the wait for a confirm ends with if the connection is lost."""


class AsyncPublisher:
    """Publishes messages to the sink's queue from asyncio; makes the same promises as `Publisher`.

        async with AsyncPublisher("amqp://user:password@rabbitmq/", "intercom") as publisher:
            await publisher.publish(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))

    Any number of tasks of one event loop may publish at once, over one connection; none waits for the confirms of
    another, unless both publish the same message id: then one is sent after the other.

    A window of messages that is not confirmed within 30 s fails the call; where the broker says that it is short of
    memory or disk, the time is `blocked_connection_timeout` of the URL, if that is over 0: here it may also be longer
    than 30 s, unlike `Publisher`'s. A call that is cancelled may have published its messages.

    Args:
        url: what CJW_RABBITMQ_HOST holds, several URLs by commas; or Brokers, whose URLs may change.
        queue: the queue's name.
        declare: whether to declare the queue durable if it does not exist. By default it must exist.

    Raises:
        ValueError: a URL or the queue's name is invalid; the text never shows a password.
    """

    def __init__(self, url: str | Brokers, queue: str, *, declare: bool = False) -> None:
        self._queue = checked_queue_name(queue)
        self._brokers = to_brokers(url)
        self._declare = declare
        self._open: ConfirmConnection | None = None
        self._connecting = asyncio.Lock()
        self._calls = AsyncCalls()

    async def __aenter__(self) -> Self:
        """Does not connect: the first call does."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the connection, as `close` does."""
        await self.close()

    async def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        """Publishes one message, and returns its message id once the broker has confirmed it.

        Args:
            request: the request, or a message that holds one.
            ordering_key: messages with the same key reach Intercom in order; it replaces the message's own.
            message_id: replaces the message's own.

        Raises:
            MalformedMessage, Unroutable, BrokerUnavailable: as `Publisher.publish` does.
        """
        message = encode_message(to_message(request, ordering_key=ordering_key, message_id=message_id))
        async with self._calls.under_way():
            await self._publish_window([message], 0)
        return message.message_id

    async def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        """Publishes messages in order, in windows, and returns their ids once the broker has confirmed all of them.

        Raises:
            MalformedMessage, Unroutable, BrokerUnavailable: as `Publisher.publish_batch` does.
        """
        confirmed: list[str] = []
        with after_confirmed(confirmed):
            async with self._calls.under_way():
                for window in windows(encode_batch(messages)):
                    await self._publish_window(window, len(confirmed))
                    confirmed += [message.message_id for message in window]
        return confirmed

    async def close(self) -> None:
        """Closes the connection, if there is one, once no call is under way. A later call opens another one."""
        async with self._calls.none_under_way():
            await self._close_connection()

    async def _close_connection(self) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            with suppress(*AIO_PIKA_ERRORS):  # TimeoutError is an OSError
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await connection.connection.close()

    async def _publish_window(self, window: Sequence[EncodedMessage], first_index: int) -> None:
        message_ids = [message.message_id for message in window]
        statuses = [PublishStatus.UNKNOWN] * len(window)
        is_sent = False
        async with self._calls.alone_with(set(message_ids)):
            with producer_spans(self._queue, [message.trace is None for message in window]) as spans:
                try:
                    connection, is_fresh = await self._ensure_connected()
                    is_sent = True
                    connection = await self._send_all(connection, window, spans, statuses, may_reconnect=not is_fresh)
                    if failure := find_failure(statuses, self._queue, connection.url, declare=self._declare):
                        if self._declare and PublishStatus.RETURNED in statuses:
                            await self._drop(connection)  # the next connection declares the queue
                        raise failure
                except (BrokerUnavailable, Unroutable) as error:
                    if is_sent:
                        add_results(error, message_ids, statuses, first_index)
                    raise

    async def _send_all(
        self,
        connection: ConfirmConnection,
        window: Sequence[EncodedMessage],
        spans: "Sequence[ProducerSpan | None]",
        statuses: list[PublishStatus],
        *,
        may_reconnect: bool,
    ) -> ConfirmConnection:
        """Sends the messages until each has a status; returns the connection that was used last."""
        while (lost := await self._send(connection, window, spans, statuses)) is not None:
            await self._drop(connection)
            if not (may_reconnect and is_connection_lost(lost)):
                raise translate(lost, connection.url) from lost
            may_reconnect = False
            connection, _ = await self._ensure_connected()
        return connection

    async def _send(
        self,
        connection: ConfirmConnection,
        window: Sequence[EncodedMessage],
        spans: "Sequence[ProducerSpan | None]",
        statuses: list[PublishStatus],
    ) -> BaseException | None:
        """Sends the messages whose status is not known, and sets it; returns an error if some stay unknown.

        Raises:
            BrokerUnavailable: the confirms are late. The connection is closed.
        """
        tasks = {
            asyncio.ensure_future(self._send_one(connection, window[place], spans[place])): place
            for place, status in enumerate(statuses)
            if status is PublishStatus.UNKNOWN
        }
        try:
            is_late = not await connection.wait_for_confirms(tasks)
            done = [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
        lost: BaseException | None = None
        for task in done:
            place = tasks[task]
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is None:
                statuses[place] = PublishStatus.CONFIRMED
            elif isinstance(error, PublishError):
                statuses[place] = PublishStatus.RETURNED
            elif isinstance(error, DeliveryError):
                statuses[place] = PublishStatus.NACKED
            elif isinstance(error, LOST):
                lost = lost or error
            else:
                raise error
        _mark_same_ids(window, statuses)
        if is_late:
            await self._drop(connection)
            raise BrokerUnavailable(
                f"{connection.url}: not confirmed in time: the broker may be short of memory or disk"
            )
        return lost if PublishStatus.UNKNOWN in statuses else None

    async def _send_one(
        self, connection: ConfirmConnection, message: EncodedMessage, span: "ProducerSpan | None"
    ) -> None:
        published = aio_pika.Message(
            message.body,
            headers=dict(message.headers(None if span is None else span.trace)),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=message.message_id,
            timestamp=message.unix_time(),
        )
        with nullcontext() if span is None else span.current():
            await connection.channel.default_exchange.publish(published, self._queue, mandatory=True)

    async def _ensure_connected(self) -> tuple[ConfirmConnection, bool]:
        """The connection, and whether this call has opened it."""
        async with self._connecting:
            if self._open is not None and self._open.is_open:
                return self._open, False
            await self._close_connection()
            self._open = await open_connection(self._brokers, self._queue, declare=self._declare)
            return self._open, True

    async def _drop(self, connection: ConfirmConnection) -> None:
        """Closes a connection, unless another task has replaced it already."""
        if self._open is connection:
            await self._close_connection()


def _mark_same_ids(window: Sequence[EncodedMessage], statuses: list[PublishStatus]) -> None:
    """aio-pika finds a returned message by its id, so of several with the same id it may name the wrong one."""
    returned = {
        message.message_id for message, status in zip(window, statuses, strict=True) if status is PublishStatus.RETURNED
    }
    for place, message in enumerate(window):
        if message.message_id in returned:
            statuses[place] = PublishStatus.RETURNED
