"""Publishes the backlog that a run starts with: persistent messages, each with an ordering key."""

import itertools
from collections.abc import Iterator

import pika

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HOT_PATH, KEYS, PATH
from intercom_sink import IntercomRequest, encode
from testbed.amqp import ORDERING_KEY_HEADER, connect, declare, depth
from testbed.waiting import wait_until


def publish_messages(job: Job, *, hot_key: bool = False) -> None:
    """Publishes the messages of a job.

    Args:
        job: names the queue and the number of messages.
        hot_key: gives every other message the same ordering key.
    """
    declare(job.broker_url, job.queue)
    bodies = {path: encode(IntercomRequest("POST", path, DATA)) for path in (PATH, HOT_PATH)}
    with connect(job.broker_url) as connection:
        channel = connection.channel()
        for key in itertools.islice(_hot_keys() if hot_key else itertools.cycle(KEYS), job.messages):
            body = bodies[HOT_PATH if hot_key and key == KEYS[0] else PATH]
            properties = pika.BasicProperties(delivery_mode=2, headers={ORDERING_KEY_HEADER: key})
            channel.basic_publish("", job.queue, body, properties)


def wait_for_depth(job: Job) -> None:
    """Waits until all messages of the job are in the queue."""
    wait_until(lambda: depth(job.broker_url, job.queue) == job.messages, f"{job.messages} messages in {job.queue}")


def _hot_keys() -> Iterator[str]:
    for key in itertools.cycle(KEYS[1:]):
        yield KEYS[0]
        yield key
