"""The uses of pika that are not public API, each with the reason.

`setup.cfg` bounds pika's version, and each function has a test that fails when pika changes.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias, cast

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.select_connection import IOLoop
from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowFailed, AMQPConnectorException
from pika.channel import Channel
from pika.exceptions import AMQPConnectionError
from pika.frame import Frame, Header

from intercom_sink.adapters.rabbitmq.content_frames import PROPERTIES_OVERHEAD, read_content_header, read_delivery
from intercom_sink.adapters.rabbitmq.properties import Properties, read_properties

CONNECTOR_ERROR: type[Exception] = AMQPConnectorException
"""`pika.BlockingConnection` raises its subclasses too when it can't connect; none is in `pika.exceptions`."""

_MAX_SLEEP = 3600.0
"""Seconds for which an I/O loop without timers sleeps at most."""

OnDelivery: TypeAlias = Callable[[int, bool, Properties, bytes], None]
"""Receives the delivery tag, whether it is redelivered, the properties and the body."""


class SelectConnection(pika.SelectConnection):  # type: ignore[misc]
    """pika's connection, with three differences.

    This package decodes the properties of messages, and never raises for them. pika raises for timestamps that Python
    has no datetime for, for types that it does not know, and for tables nested too deep, and the connection is lost
    with all its deliveries; and it reads floats as integers. All other frames are pika's business.

    Several methods can be sent in one write. pika makes a system call for each frame, and each may hand the
    interpreter's lock to another thread.

    A delivery to one channel whose frames have all arrived can bypass pika's objects for each frame.
    """

    _collected: list[bytes] | None = None
    _deliveries: tuple[int, OnDelivery] | None = None

    def take_deliveries(self, channel: Channel, on_delivery: OnDelivery) -> None:
        """Passes each delivery to this channel whose frames arrived together to `on_delivery`.

        Any other is passed to pika's consumer. To be called after `basic_consume`, for the one consumer of the channel.
        """
        self._deliveries = (channel.channel_number, on_delivery)

    def take_no_deliveries(self) -> None:
        """Leaves all deliveries to pika from now on."""
        self._deliveries = None

    @contextmanager
    def one_write(self) -> Generator[None]:
        """Sends what is sent within the block at once, at its end."""
        frames: list[bytes] = []
        self._collected = frames
        try:
            yield
        finally:
            self._collected = None
            if frames:
                self._adapter_emit_data(b"".join(frames))

    def _adapter_emit_data(self, data: bytes) -> None:
        if self._collected is None:
            super()._adapter_emit_data(data)
        else:
            self._collected.append(data)

    def _read_deliveries(self) -> None:
        data, end = self._frame_buffer, 0
        while self._deliveries is not None:  # `on_delivery` may have closed the connection
            channel, on_delivery = self._deliveries
            delivery = read_delivery(data, end, channel)
            if delivery is None:
                break
            end = delivery.end
            on_delivery(delivery.tag, delivery.redelivered, read_properties(delivery.properties), delivery.body)
        if end:
            self._trim_frame_buffer(end)

    def _read_frame(self) -> tuple[int, Frame | None]:
        self._read_deliveries()
        if (header := read_content_header(self._frame_buffer)) is not None:
            return header.end, Header(header.channel, header.body_size, read_properties(header.properties))
        result: tuple[int, Frame | None] = super()._read_frame()
        return result


def sleep_until_needed(loop: IOLoop) -> None:
    """Has an I/O loop sleep until there is something to do. By itself pika wakes it every 5 s, just in case."""
    loop._poller._MAX_POLL_TIMEOUT = _MAX_SLEEP


class LostAtOnce(ConnectionError):
    """A connection was lost between being opened and its first use."""


@contextmanager
def lost_at_once() -> Generator[None]:
    """Raises LostAtOnce in place of the ValueError that pika raises for it, as for a wrong argument."""
    try:
        yield
    except ValueError as error:
        if isinstance(error.__context__, OSError) and str(error).startswith("Expected connected socket"):
            raise LostAtOnce(str(error.__context__)) from error
        raise


def blocking_connection(parameters: pika.connection.Parameters) -> pika.BlockingConnection:
    """A blocking connection that reads properties as SelectConnection does. Its class can't be given publicly."""
    with lost_at_once():
        return pika.BlockingConnection(parameters, _impl_class=SelectConnection)


def max_properties_size(connection: pika.BlockingConnection) -> int:
    """The maximum size of a message's properties in bytes: they must fit in one frame.

    pika does not expose the negotiated frame size.
    """
    return int(connection._impl.params.frame_max) - PROPERTIES_OVERHEAD


def heartbeat(connection: pika.BlockingConnection) -> int:
    """The negotiated heartbeat timeout in seconds; 0: there are none. pika does not expose it."""
    return int(connection._impl.params.heartbeat or 0)


def one_write(connection: pika.BlockingConnection) -> AbstractContextManager[None]:
    """Sends what is sent within the block at once, at its end; the connection must be one of `blocking_connection`."""
    return cast("SelectConnection", connection._impl).one_write()


def channel_below(channel: BlockingChannel) -> Channel:
    """The channel of a blocking one. A blocking channel in confirm mode awaits a confirm after each message."""
    return channel._impl


class NoReply(AMQPConnectionError):  # type: ignore[misc]
    """The broker keeps the connection open, and does not send what is awaited."""


def wait_for(
    connection: pika.BlockingConnection, channel: BlockingChannel, is_done: Callable[[], bool], timeout: float
) -> None:
    """Sends and receives until `is_done()` is true.

    The public ways to wait end once there is an event for a consumer, or wait without a timeout.

    Raises:
        NoReply: not within so many seconds; the connection is closed.
        AMQPError: the channel or its connection is closed first.
    """
    timer = _end_after(connection, timeout)
    try:
        channel._flush_output(is_done)
    finally:
        connection._impl._adapter_remove_timeout(timer)


def abort(connection: pika.SelectConnection) -> None:
    """Closes a connection without waiting for the broker; the public `close` waits for its reply without a timeout."""
    connection._adapter_disconnect_stream()


def close_within(connection: pika.BlockingConnection, timeout: float) -> None:
    """Closes a blocking connection, and waits for the broker's reply for so many seconds at most.

    The public `close` waits without a timeout, and `call_later` calls nothing back during it. Raises pika's errors.
    """
    _end_after(connection, timeout)
    connection.close()


def _end_after(connection: pika.BlockingConnection, timeout: float) -> object:
    """Has the connection end with NoReply after so many seconds; returns the timer."""
    impl = connection._impl
    error = NoReply(f"the broker does not reply within {timeout:g} s")
    return impl._adapter_call_later(timeout, lambda: impl._terminate_stream(error))


def close_without_cancelling(connection: SelectConnection, channel: Channel | None) -> None:
    """Closes a connection without cancelling the consumers of its channel, where it has one.

    The public `close` cancels them, and only then closes the channel. In between the broker would deliver the next
    messages to a standby, before this channel's unacked ones are requeued. Without the cancellation the broker does
    both in one step, and keeps the order.
    """
    connection.take_no_deliveries()
    if channel is not None:
        channel._cancelled.update(channel._consumers)  # `close` skips consumers that are already being cancelled
    connection.close()


def server_properties(connection: pika.BlockingConnection) -> Mapping[str, Any]:
    """What the broker said about itself. `SelectConnection` makes it public, `BlockingConnection` does not."""
    return connection._impl.server_properties or {}


def login_refusal(error: AMQPConnectionError) -> tuple[int, str] | None:
    """The broker's reply code and text in a ProbableAuthenticationError or ProbableAccessDeniedError.

    pika raises these for every connection that ends during the login, and keeps only the `repr` of the cause.

    Returns:
        The code and the text; None if the broker did not refuse the login, but the connection was lost.
    """
    reply = re.search(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*)\2", str(error.args[0]))
    return (int(reply[1]), reply[3]) if reply else None


def innermost(error: BaseException) -> BaseException:
    """The cause of a failed connection: pika wraps it in up to three exceptions, and links none by `__cause__`."""
    match error:
        case AMQPConnectionWorkflowFailed(exceptions=(*_, BaseException() as inner)):
            return innermost(inner)
        case AMQPConnectorException(exception=BaseException() as inner):
            return innermost(inner)
        case AMQPConnectionError(args=(BaseException() as inner, *_)):
            return innermost(inner)
        case _:
            return error
