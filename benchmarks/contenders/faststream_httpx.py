"""FastStream with httpx: handles as many messages concurrently as the channel prefetches, with one client for all.

    faststream run benchmarks.contenders.faststream_httpx:app

FastStream's command line runs it on uvloop. A message whose request fails is requeued.
"""

import httpx
import msgpack
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from benchmarks.contenders import Job
from benchmarks.messages import HEADERS

job = Job.from_environment()
broker = RabbitBroker(job.broker_url, default_channel=Channel(prefetch_count=job.concurrency), logger=None)
app = FastStream(broker)
client = httpx.AsyncClient(
    base_url=job.server_url,
    headers=HEADERS,
    timeout=30,
    limits=httpx.Limits(max_connections=job.concurrency, max_keepalive_connections=job.concurrency),
)


@broker.subscriber(RabbitQueue(job.queue, durable=True), ack_policy=AckPolicy.NACK_ON_ERROR)  # type: ignore[untyped-decorator]
async def send(body: bytes) -> None:
    """Sends one message; FastStream acks it once this returns."""
    message = msgpack.unpackb(body)
    response = await client.request(message["method"], message["path"], json=message["data"])
    response.raise_for_status()


@app.after_shutdown  # type: ignore[untyped-decorator]
async def close() -> None:
    """Closes the client's connections."""
    await client.aclose()
