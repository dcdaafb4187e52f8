"""The loop that most people write: take a message, `requests.post`, ack. One at a time."""

import msgpack
import pika
import requests
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from benchmarks.contenders import Job
from benchmarks.messages import HEADERS


def main() -> None:
    """Consumes until it is killed."""
    job = Job.from_environment()

    def on_message(channel: BlockingChannel, method: Basic.Deliver, _: BasicProperties, body: bytes) -> None:
        message = msgpack.unpackb(body)
        requests.post(job.url + message["path"], json=message["data"], headers=HEADERS, timeout=30).raise_for_status()
        channel.basic_ack(method.delivery_tag)

    channel = pika.BlockingConnection(pika.URLParameters(job.broker)).channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(job.queue, on_message)
    channel.start_consuming()


if __name__ == "__main__":
    main()
