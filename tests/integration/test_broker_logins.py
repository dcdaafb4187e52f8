"""A login that is refused: the next broker is tried, and a rotated password is read again."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from intercom_sink.testing.intercom import FakeIntercom, after, error, reply
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.support.messages import message, numbers
from tests.support.nodes import close_connections
from tests.support.processes import StartSink, run_command
from tests.support.queues import DeadLetterQueue, Queue, changed_url


@pytest.mark.parametrize("reconnect_timeout", ["60", "0"])
@pytest.mark.parametrize("refused_first", [True, False])
def test_broker_that_refuses_the_login_leaves_the_next_to_try(
    queue: Queue,
    dead_letters: DeadLetterQueue,
    intercom: FakeIntercom,
    start_sink: StartSink,
    refused_first: bool,
    reconnect_timeout: str,
) -> None:
    """For the consumer, for the dead letters, and for every command."""
    urls = [changed_url(queue.url, password="wrong"), queue.url]
    host = ",".join(urls if refused_first else urls[::-1])
    intercom.script += [error(422, "bad")]
    queue.publish(message(1), message(2))
    variables = dead_letters.variables | {
        "CJW_RABBITMQ_HOST": host,
        "CJW_RABBITMQ_RECONNECT_TIMEOUT": reconnect_timeout,
    }
    sink = start_sink(queue, "run", "--drain", **variables)
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [1, 2]
    assert len(sink.logs("RabbitMQ unavailable")) == refused_first
    assert run_command("check", CJW_INTERCOM_API_TOKEN="mock", **variables).returncode == 0
    assert run_command("dead-letters", "replay", **variables).returncode == 0
    assert queue.take_bodies() == [message(1)]


def test_refusal_by_every_broker_ends_the_sink_at_once(queue: Queue, start_sink: StartSink) -> None:
    """And each is named, without its password."""
    wrong = changed_url(queue.url, password="wrong")
    began = time.monotonic()
    sink = start_sink(queue, CJW_RABBITMQ_HOST=f"{wrong},{wrong}")
    assert sink.wait() == 1
    assert time.monotonic() - began < 30, "the reconnect timeout is 60 s"
    lines = sink.logs("RabbitMQ unavailable")
    assert len(lines) == 2
    assert all("127.0.0.1" in line["broker"] and "ACCESS_REFUSED" in line["reason"] for line in lines)
    assert "wrong" not in sink.stderr
    for command in (["dead-letters", "list"], ["publish", "--method", "GET", "--path", "/me"]):
        done = run_command(
            *command,
            **queue.variables | {"CJW_RABBITMQ_HOST": f"{wrong},{wrong}", "CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"},
        )
        assert done.returncode == 1
        assert done.stderr.count("amqp://guest@127.0.0.1:") == 2
        assert "wrong" not in done.stderr


def test_password_rotated_under_load_loses_nothing(
    node: Node, intercom: FakeIntercom, start_sink: StartSink, tmp_path: Path
) -> None:
    """Twice; the connections of the consumer and of the dead letters are lost with the old password."""
    queue = Queue(node.url)
    queue.declare()
    dead_letters = DeadLetterQueue(queue)
    node.ctl("add_user", "sink", "password0")
    node.ctl("set_permissions", "sink", ".*", ".*", ".*")
    host_file = tmp_path / "host"
    host_file.write_text(changed_url(node.url, user="sink", password="password0"))
    variables = dead_letters.variables | {"CJW_RABBITMQ_HOST": None, "CJW_RABBITMQ_HOST_FILE": str(host_file)}
    intercom.script += [error(422, "bad"), reply(200)] * 50
    intercom.default = after(0.005, reply(200))
    sink = start_sink(queue, **variables)
    with load_on(queue, intercom) as published:
        for rotation in range(1, 3):
            sink.wait_for("consuming", rotation)
            intercom.wait_for(len(intercom.requests) + 50)
            node.ctl("change_password", "sink", f"password{rotation}")
            host_file.write_text(changed_url(node.url, user="sink", password=f"password{rotation}"))
            close_connections(node, "sink", "rotated")
        sink.wait_for("consuming", 3)
    wait_until(lambda: set(numbers(intercom)) == set(range(published.count)), "every message", 60)
    assert sink.stop() == 0
    refused = [line for line in sink.logs("RabbitMQ unavailable") if "ACCESS_REFUSED" in line["reason"]]
    assert 1 <= len(refused) <= 2, "the publisher of dead letters may have read the file first"
    assert queue.depth == 0
    assert 40 <= len(set(dead_letters.take_bodies())) <= 50, "a rejection may have been lost with its connection"
    assert "password" not in sink.stderr


@dataclass
class Load:
    """Messages 0 to `count` - 1 were published."""

    count: int = 0


@contextmanager
def load_on(queue: Queue, intercom: FakeIntercom) -> Iterator[Load]:
    """Publishes within the block, so that the queue is never empty for long."""
    load, over = Load(), threading.Event()

    def publish() -> None:
        while not over.is_set():
            queue.publish(*(message(load.count + number) for number in range(100)))
            load.count += 100
            wait_until(lambda: over.is_set() or load.count - len(intercom.requests) < 100, "room for more", 60)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield load
    finally:
        over.set()
        thread.join()
