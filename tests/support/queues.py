"""Queues on a real broker, each of which belongs to one test."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from intercom_sink.adapters.rabbitmq.urls import parse_urls
from testbed import amqp
from testbed.rabbitmq import Node
from testbed.waiting import wait_until


class Queue:
    """A queue with a name of its own, which does not exist until it is declared.

    Args:
        url: its broker's URL.
        name: that of a queue which something else declares.
    """

    def __init__(self, url: str, name: str | None = None) -> None:
        self.url = url
        self.name = name or f"test-{uuid.uuid4().hex[:12]}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that name it to the command line."""
        return {"CJW_RABBITMQ_HOST": self.url, "CJW_INTERCOM_QUEUE_NAME": self.name}

    def declare(self, **options: object) -> None:
        """Declares it; durable unless `options` say otherwise."""
        amqp.declare(self.url, self.name, **options)

    def delete(self) -> None:
        """Deletes it, if it exists."""
        amqp.delete(self.url, self.name)

    def publish(self, *bodies: bytes, keys: Iterable[object] = ()) -> None:
        """Publishes the bodies, each with its ordering key; returns once the broker has confirmed them."""
        amqp.publish(self.url, self.name, bodies, keys)

    @property
    def depth(self) -> int:
        """How many messages are ready."""
        return amqp.depth(self.url, self.name)

    @property
    def consumers(self) -> int:
        """How many consumers it has."""
        return amqp.consumers(self.url, self.name)

    def take_all(self) -> list[tuple[bytes, bool]]:
        """Removes every message that is ready; returns each body, and whether it had been delivered before."""
        return amqp.take_all(self.url, self.name)

    def take_bodies(self) -> list[bytes]:
        """Removes every message that is ready; returns their bodies."""
        return [body for body, _ in self.take_all()]

    def take_all_with_keys(self) -> list[tuple[bytes, object]]:
        """Removes every message that is ready; returns each body with its ordering key."""
        return amqp.take_all_with_keys(self.url, self.name)

    def wait_for_depth(self, depth: int) -> None:
        """Waits until so many messages are ready."""
        wait_until(lambda: self.depth == depth, f"{depth} messages ready in the queue", explain=lambda: self.depth)

    def wait_for_more_than(self, depth: int) -> None:
        """Waits until more messages than these are ready."""
        wait_until(lambda: self.depth > depth, f"more than {depth} messages ready in the queue")


class DeadLetterQueue(Queue):
    """The dead-letter queue of another queue.

    Args:
        source: the other queue.
    """

    def __init__(self, source: Queue) -> None:
        super().__init__(source.url)
        self._source = source

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that name both queues to the command line."""
        return self._source.variables | {"CJW_INTERCOM_DEAD_LETTER_QUEUE": self.name}


@contextmanager
def temporary_queue(url: str, **options: object) -> Iterator[Queue]:
    """A durable queue, or one with other `options`, which is deleted in the end."""
    queue = Queue(url)
    queue.declare(**options)
    try:
        yield queue
    finally:
        queue.delete()


def queue_on_disk(node: Node) -> Queue:
    """A durable queue that survives a kill of its node: RabbitMQ may forget one that was declared just before."""
    queue = Queue(node.url)
    queue.declare()
    # RabbitMQ 4.2 and newer keep what is declared in a store of their own, which is written at once.
    node.eval("case mnesia:system_info(is_running) of yes -> mnesia:sync_log(); _ -> ok end.")
    return queue


def changed_url(
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    port: int | None = None,
    vhost: str | None = None,
) -> str:
    """A broker's URL with some of its parts changed, and without its parameters."""
    (parsed,) = parse_urls(url)
    parameters = parsed.parameters
    user = user or parameters.credentials.username
    password = password or parameters.credentials.password
    vhost = vhost or parameters.virtual_host
    location = f"{parameters.host}:{port or parameters.port}/{quote(vhost, safe='')}"
    return f"amqp://{quote(user)}:{quote(password)}@{location}"


def port_of(url: str) -> int:
    """The port in a broker's URL, or the default one."""
    (parsed,) = parse_urls(url)
    return int(parsed.parameters.port)
