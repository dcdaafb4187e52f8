"""Connections of aio-pika to a broker in memory; the test chooses how it replies to each message."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aio_pika
from aiormq import spec
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ConnectionClosed, DeliveryError, PublishError

from intercom_sink.adapters.rabbitmq.async_connection import ConfirmConnection
from intercom_sink.adapters.rabbitmq.brokers import Brokers

RETURN = spec.Basic.Return(reply_code=312, reply_text="NO_ROUTE", exchange="", routing_key="queue")


@dataclass(eq=False)
class Sent:
    """A message that the broker has received.

    Args:
        message_id: its id.
        confirm: what its sender waits for.
    """

    message_id: str
    confirm: asyncio.Future[None]

    def ack(self) -> None:
        """Does nothing on a connection that has been closed."""
        if not self.confirm.done():
            self.confirm.set_result(None)

    def nack(self) -> None:
        self.confirm.set_exception(DeliveryError(None, spec.Basic.Nack(1)))

    def return_it(self) -> None:
        self.confirm.set_exception(PublishError(cast(DeliveredMessage, FakeReturned()), RETURN))


@dataclass
class FakeReturned:
    """What PublishError reads of a message."""

    delivery: spec.Basic.Return = RETURN


@dataclass
class FakeConnection:
    """A connection with its channel, exchange and transport in one."""

    sent: list[Sent] = field(default_factory=list)
    is_closed: bool = False
    is_blocked: bool = False

    async def publish(self, message: aio_pika.Message, routing_key: str, *, mandatory: bool) -> None:
        assert mandatory
        self.sent.append(Sent(str(message.message_id), asyncio.get_running_loop().create_future()))
        await self.sent[-1].confirm

    async def ready(self) -> None:
        if self.is_blocked:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.is_closed = True
        for each in self.sent:
            if not each.confirm.done():
                each.confirm.set_exception(ConnectionClosed(0, "closed"))

    @property
    def default_exchange(self) -> "FakeConnection":
        return self

    @property
    def transport(self) -> "FakeConnection":
        return self

    @property
    def connection(self) -> "FakeConnection":
        return self


class FakeAioPika:
    """Stands for `open_connection`."""

    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []

    async def open_connection(self, brokers: Brokers, queue: str, *, declare: bool) -> ConfirmConnection:
        made = FakeConnection()
        self.connections.append(made)
        return ConfirmConnection(brokers.urls[0], cast(Any, made), cast(Any, made))

    @property
    def sent(self) -> list[Sent]:
        """The messages of the newest connection."""
        return self.connections[-1].sent if self.connections else []


async def turn_until(condition: Callable[[], bool]) -> None:
    """Lets the event loop run until that is so, for 100 turns at most."""
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition is never met")


async def turn() -> None:
    """Lets the tasks of the event loop go on until each of them waits."""
    for _ in range(20):
        await asyncio.sleep(0)
