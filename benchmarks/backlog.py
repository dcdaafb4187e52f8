"""Publishes the messages of a run: persistent, each with an ordering key, in the format of its contender."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module

import pika
from pika.adapters.blocking_connection import BlockingChannel

from benchmarks.catalogue import Contender
from benchmarks.contenders import Job
from benchmarks.messages import DATA, HOT_PATH, KEYS, PATH
from intercom_sink import IntercomRequest, encode
from testbed.amqp import ORDERING_KEY_HEADER, connect, declare, delete, depth
from testbed.waiting import wait_until

NUMBERED_PATH = f"{PATH}?{'0' * 9}"
"""The path of a message whose number the server notes; as long with any number as with this one."""

EXTRA_QUEUES = ("", ".DQ", ".XQ")
"""What dramatiq adds to a queue's name for the other two that it declares."""


@dataclass(frozen=True)
class Template:
    """A message as a contender takes it."""

    body: bytes
    properties: pika.BasicProperties

    def numbered(self, number: int) -> Template:
        """The same message with a number in place of the zeros of NUMBERED_PATH."""
        path = NUMBERED_PATH.replace("0" * 9, f"{number:09}")
        return replace(self, body=self.body.replace(NUMBERED_PATH.encode(), path.encode()))

    def publish(self, channel: BlockingChannel, queue: str, key: str, *, persistent: bool = True) -> None:
        """Publishes the message with an ordering key."""
        self.properties.headers = (self.properties.headers or {}) | {ORDERING_KEY_HEADER: key}
        self.properties.delivery_mode = 2 if persistent else 1
        channel.basic_publish("", queue, self.body, self.properties)


def make_template(contender: Contender, job: Job, path: str = PATH) -> Template:
    """Declares the queue as the contender does; returns a message with this path.

    A framework publishes the message itself, which is then taken from the queue.
    """
    if contender.tasks is None:
        declare(job.broker_url, job.queue)
        return Template(encode(IntercomRequest("POST", path, DATA)), pika.BasicProperties())
    import_module(contender.tasks).publish_task(job, path)
    wait_for_depth(job, 1)
    with connect(job.broker_url) as connection:
        _, properties, body = connection.channel().basic_get(job.queue, auto_ack=True)
    assert properties is not None
    assert body is not None
    return Template(body, properties)


def publish_messages(contender: Contender, job: Job, *, hot_key: bool = False, path: str = PATH) -> None:
    """Publishes the messages of a job, and waits until all are in the queue.

    Args:
        contender: whose messages.
        job: names the queue and the number of messages.
        hot_key: gives every other message the same ordering key, and HOT_PATH.
        path: of the messages.
    """
    template = make_template(contender, job, path)
    hot = make_template(contender, job, HOT_PATH) if hot_key else template
    with connect(job.broker_url) as connection:
        channel = connection.channel()
        for key in itertools.islice(_hot_keys() if hot_key else itertools.cycle(KEYS), job.messages):
            message = hot if key == KEYS[0] else template
            message.publish(channel, job.queue, key)
    wait_for_depth(job, job.messages)


def wait_for_depth(job: Job, messages: int) -> None:
    """Waits until so many messages are in the queue."""
    wait_until(lambda: depth(job.broker_url, job.queue) == messages, f"{messages} messages in {job.queue}")


@contextmanager
def deleting(job: Job) -> Iterator[None]:
    """Deletes the queues of a job at the end of the block."""
    try:
        yield
    finally:
        for suffix in EXTRA_QUEUES:
            delete(job.broker_url, job.queue + suffix)


def _hot_keys() -> Iterator[str]:
    for key in itertools.cycle(KEYS[1:]):
        yield KEYS[0]
        yield key
