"""The loop that a good Python developer writes today: aio-pika and aiohttp on uvloop.

One session for all requests; as many messages at once as the channel prefetches, each in a task of its own. A message
is acked after a 2xx, and requeued after anything else.
"""

import asyncio
import signal

import aio_pika
import aiohttp
import msgpack
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.contenders import Job
from benchmarks.messages import HEADERS


async def consume(job: Job) -> None:
    """Consumes until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    session = aiohttp.ClientSession(
        job.server_url,
        headers=HEADERS,
        connector=aiohttp.TCPConnector(limit=job.concurrency),
        timeout=aiohttp.ClientTimeout(30),
    )
    connection = await aio_pika.connect_robust(job.broker_url)

    async def send(incoming: AbstractIncomingMessage) -> None:
        async with incoming.process(requeue=True):
            message = msgpack.unpackb(incoming.body)
            async with session.request(message["method"], message["path"], json=message["data"]) as response:
                response.raise_for_status()
                await response.read()

    async with session, connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=job.concurrency)
        queue = await channel.get_queue(job.queue)
        await queue.consume(send)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(consume(Job.from_environment()))
