"""Connections of aio-pika, for the publisher on asyncio."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, ConnectionParameter
from aiormq.exceptions import ChannelNotFoundEntity

from intercom_sink.adapters.rabbitmq.aio_pika_errors import AIO_PIKA_ERRORS, translate
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.session import all_unavailable
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.confirms import CONFIRM_TIMEOUT
from intercom_sink.domain.errors import BrokerUnavailable


@dataclass(frozen=True, slots=True, eq=False)
class ConfirmConnection:
    """A connection with one channel in confirm mode.

    Args:
        url: the broker.
        connection: the connection.
        channel: its channel.
    """

    url: BrokerUrl
    connection: AbstractConnection
    channel: AbstractChannel

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return not (self.connection.is_closed or self.channel.is_closed)

    async def wait_for_confirms(self, sending: Collection[asyncio.Task[None]]) -> bool:
        """Waits until all these tasks, which send a message each, are done; returns False on a timeout.

        The timeout is CONFIRM_TIMEOUT, or, while the broker blocks publishers, the URL's `blocked_connection_timeout`
        unless that is 0.
        """
        blocked_timeout = self.url.parameters.blocked_connection_timeout or CONFIRM_TIMEOUT
        first = min(blocked_timeout, CONFIRM_TIMEOUT)
        _, late = await asyncio.wait(sending, timeout=first)
        if late:
            timeout = blocked_timeout if await self._is_blocked() else CONFIRM_TIMEOUT
            _, late = await asyncio.wait(sending, timeout=timeout - first)
        return not late

    async def _is_blocked(self) -> bool:
        """Whether the broker has said that it blocks publishers: it is short of memory or disk."""
        transport = self.connection.transport
        if transport is None:
            return False
        try:
            async with asyncio.timeout(0):
                await transport.connection.ready()  # returns at once unless it is blocked
        except TimeoutError:
            return True
        return False


async def open_connection(brokers: Brokers, queue: str, *, declare: bool) -> ConfirmConnection:
    """Connects to the first broker that accepts a connection.

    Where one refuses this client, the URLs are read again, and new ones are tried too.

    Args:
        brokers: the brokers.
        queue: where messages will be published.
        declare: whether to declare the queue durable if it does not exist.

    Raises:
        BrokerUnavailable: none accepts one. It is retryable unless all of them refuse this client.
    """
    errors: list[BrokerUnavailable] = []
    urls = brokers.urls
    for url in urls:
        try:
            return await _open_at(url, queue, declare)
        except BrokerUnavailable as error:
            errors.append(error)
        except AIO_PIKA_ERRORS as error:
            errors.append(translate(error, url))
    if any(not error.retryable for error in errors) and brokers.reload(urls):
        return await open_connection(brokers, queue, declare=declare)
    raise all_unavailable(errors)


class _Connection(aio_pika.Connection):
    """aio-pika's connection with one more parameter, which asyncio understands: the name in the certificate."""

    PARAMETERS = (*aio_pika.Connection.PARAMETERS, ConnectionParameter("server_hostname", parser=str, is_kwarg=True))


async def _open_at(url: BrokerUrl, queue: str, declare: bool) -> ConfirmConnection:
    parameters, tls, virtual_host = url.parameters, url.parameters.ssl_options, url.parameters.virtual_host
    if virtual_host in (".", "..") or "%2F" in virtual_host:
        raise BrokerUnavailable(f"{url}: aio-pika can't open a virtual host of this name", retryable=False)
    optional: dict[str, Any] = {"heartbeat": parameters.heartbeat, "server_hostname": tls and tls.server_hostname}
    connection = await aio_pika.connect(
        host=parameters.host,
        port=parameters.port,
        login=parameters.credentials.username,
        password=parameters.credentials.password,
        virtualhost=virtual_host if virtual_host == "/" else virtual_host.replace("/", "%2F"),  # else yarl removes ".."
        ssl=tls is not None,
        ssl_context=tls and tls.context,
        timeout=parameters.stack_timeout,
        client_properties=parameters.client_properties,
        connection_class=_Connection,
        **{name: value for name, value in optional.items() if value is not None},
    )
    try:
        if declare:
            await _ensure_queue(connection, queue)
        return ConfirmConnection(url, connection, await connection.channel(on_return_raises=True))
    except BaseException:
        await connection.close()
        raise


async def _ensure_queue(connection: AbstractConnection, queue: str) -> None:
    """Declares a queue durable if it does not exist; one that exists is used as it is, whatever its arguments."""
    try:
        channel = await connection.channel()
        await channel.declare_queue(queue, passive=True)
    except ChannelNotFoundEntity:  # it has closed the channel
        channel = await connection.channel()
        await channel.declare_queue(queue, durable=True)
    await channel.close()
