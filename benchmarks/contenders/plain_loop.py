"""The usual loop with pika and requests: receive a message, `requests.post`, ack. One message at a time."""

import msgpack
import pika
import requests
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from benchmarks.contenders import Job
from benchmarks.messages import HEADERS


def main() -> None:
    """Consumes until SIGTERM."""
    job = Job.from_environment()

    def on_message(channel: BlockingChannel, method: Basic.Deliver, _: BasicProperties, body: bytes) -> None:
        message = msgpack.unpackb(body)
        url = job.server_url + message["path"]
        requests.post(url, json=message["data"], headers=HEADERS, timeout=30).raise_for_status()
        channel.basic_ack(method.delivery_tag)

    channel = pika.BlockingConnection(pika.URLParameters(job.broker_url)).channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(job.queue, on_message)
    channel.start_consuming()


if __name__ == "__main__":
    main()
