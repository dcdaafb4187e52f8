"""The calls of a publisher on asyncio that are under way: what they must wait for, and what waits for them."""

import asyncio
from collections.abc import AsyncGenerator, Set
from contextlib import asynccontextmanager


class AsyncCalls:
    """The calls that are under way. For one event loop."""

    def __init__(self) -> None:
        self._closing = asyncio.Lock()
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ids: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def under_way(self) -> AsyncGenerator[None]:
        """The block is a call. It begins once no block of `none_under_way` is running or waiting to begin."""
        async with self._closing:
            self._count += 1
            self._idle.clear()
        try:
            yield
        finally:
            self._count -= 1
            if self._count == 0:
                self._idle.set()

    @asynccontextmanager
    async def none_under_way(self) -> AsyncGenerator[None]:
        """The block begins once the calls under way have ended; no other call begins before its end."""
        async with self._closing:
            await self._idle.wait()
            yield

    @asynccontextmanager
    async def alone_with(self, message_ids: Set[str]) -> AsyncGenerator[None]:
        """The block begins once no other one has any of these message ids.

        aio-pika finds a returned message by its id. If two messages in flight have the same id, it may attribute the
        return of one to the other, and report the returned one as confirmed.
        """
        while (earlier := next((self._ids[each] for each in message_ids if each in self._ids), None)) is not None:
            await earlier.wait()
        ended = asyncio.Event()
        self._ids.update(dict.fromkeys(message_ids, ended))
        try:
            yield
        finally:
            for each in message_ids:
                del self._ids[each]
            ended.set()
