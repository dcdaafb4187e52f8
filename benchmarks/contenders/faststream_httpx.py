"""FastStream with httpx: as many messages side by side as the channel prefetches, over one client that is kept alive.

    faststream run benchmarks.contenders.faststream_httpx:app

Its command line runs it on uvloop. A message whose request fails goes back to the queue.
"""

import httpx
import msgpack
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from benchmarks.contenders import Job
from benchmarks.messages import HEADERS

job = Job.from_environment()
broker = RabbitBroker(job.broker, default_channel=Channel(prefetch_count=job.concurrency), logger=None)
app = FastStream(broker)
client = httpx.AsyncClient(
    base_url=job.url,
    headers=HEADERS,
    timeout=30,
    limits=httpx.Limits(max_connections=job.concurrency, max_keepalive_connections=job.concurrency),
)


@broker.subscriber(RabbitQueue(job.queue, durable=True), ack_policy=AckPolicy.NACK_ON_ERROR)  # type: ignore[untyped-decorator]
async def send(body: bytes) -> None:
    """Acked when this returns."""
    message = msgpack.unpackb(body)
    response = await client.request(message["method"], message["path"], json=message["data"])
    response.raise_for_status()


@app.after_shutdown  # type: ignore[untyped-decorator]
async def close() -> None:
    """Closes the connections."""
    await client.aclose()
