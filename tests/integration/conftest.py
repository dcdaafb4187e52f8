"""A queue of one's own on a real RabbitMQ, an Intercom on loopback, and the sink as a process between them."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest

from intercom_sink import IntercomRequest, encode
from intercom_sink.adapters.rabbitmq.urls import parse_urls
from intercom_sink.domain.json_value import JsonValue
from testbed import amqp
from testbed.intercom import Intercom
from testbed.rabbitmq import Node, any_rabbitmq, own_node
from testbed.sink_process import SinkProcess
from testbed.waiting import wait_until

StartSink = Callable[..., SinkProcess]


def message(number: int, **data: JsonValue) -> bytes:
    return encode(IntercomRequest("POST", f"/contacts/{number}", {"number": number} | data))


def changed_url(url: str, user: str | None = None, password: str | None = None, vhost: str | None = None) -> str:
    """The URL of a broker with some of its parts changed, and without its parameters."""
    (parsed,) = parse_urls(url)
    parameters = parsed.parameters
    user = user or parameters.credentials.username
    password = password or parameters.credentials.password
    vhost = vhost or parameters.virtual_host
    return f"amqp://{quote(user)}:{quote(password)}@{parameters.host}:{parameters.port}/{quote(vhost, safe='')}"


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[str]:
    """The URL of a broker; an error, never a skip, where none can be had."""
    with any_rabbitmq() as url:
        yield url


@pytest.fixture
def node() -> Iterator[Node]:
    """A broker that the test may stop, kill and start."""
    with own_node() as started:
        yield started


@pytest.fixture
def intercom() -> Iterator[Intercom]:
    with Intercom() as server:
        yield server


class Queue:
    """A queue of the test's own, by its broker's URL and its name."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"test-{uuid.uuid4().hex[:12]}"

    def declare(self, **options: object) -> None:
        amqp.declare(self.url, self.name, **options)

    def publish(self, *bodies: bytes, keys: Iterable[object] = ()) -> None:
        amqp.publish(self.url, self.name, bodies, keys)

    @property
    def depth(self) -> int:
        return amqp.depth(self.url, self.name)

    @property
    def consumers(self) -> int:
        return amqp.consumers(self.url, self.name)

    def take_all(self) -> list[tuple[bytes, bool]]:
        return amqp.take_all(self.url, self.name)

    def take_all_with_keys(self) -> list[tuple[bytes, object]]:
        return amqp.take_all_with_keys(self.url, self.name)

    def wait_for_depth(self, depth: int) -> None:
        wait_until(lambda: self.depth == depth, f"{depth} messages ready in the queue", explain=lambda: self.depth)


class Letters(Queue):
    """The dead-letter queue of a queue, and the command line that looks after it."""

    def __init__(self, source: Queue) -> None:
        super().__init__(source.url)
        self.variables = {
            "CJW_RABBITMQ_HOST": source.url,
            "CJW_INTERCOM_QUEUE_NAME": source.name,
            "CJW_INTERCOM_DEAD_LETTER_QUEUE": self.name,
        }
        self.command = [sys.executable, "-m", "intercom_sink", "dead-letters"]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            env=os.environ | self.variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.run("list", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def paths(self, *arguments: str) -> list[str]:
        return [letter["path"] for letter in self.listed(*arguments)]


def lasting_queue(node: Node) -> Queue:
    """A queue that its broker still knows after a kill: RabbitMQ may forget one that was declared a moment before."""
    queue = Queue(node.url)
    queue.declare()
    node.ctl("eval", "mnesia:sync_log().")
    return queue


@pytest.fixture
def queue(rabbitmq: str) -> Iterator[Queue]:
    made = Queue(rabbitmq)
    made.declare()
    yield made
    amqp.delete(made.url, made.name)


@pytest.fixture
def letters(queue: Queue) -> Iterator[Letters]:
    made = Letters(queue)
    yield made
    amqp.delete(made.url, made.name)


@pytest.fixture
def start_sink(intercom: Intercom) -> Iterator[StartSink]:
    """Starts sinks: `start_sink(queue, "run", "--drain", CJW_INTERCOM_TIMEOUT="1")`; they end with the test."""
    with ExitStack() as running:

        def start(queue: Queue, *arguments: str, **environment: str | None) -> SinkProcess:
            variables: dict[str, str | None] = {
                "CJW_RABBITMQ_HOST": queue.url,
                "CJW_INTERCOM_QUEUE_NAME": queue.name,
                "CJW_INTERCOM_API_URL": intercom.url,
            }
            return running.enter_context(SinkProcess(variables | environment, *arguments))

        yield start
