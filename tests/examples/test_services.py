"""The examples of services publish to a real broker, and pass their own tests."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from examples.backfill.__main__ import main
from intercom_sink import IntercomRequest, Message, Publisher, TraceContext, decode
from testbed import amqp
from tests.support.documents import ROOT
from tests.support.queues import Queue
from tests.support.wire_format import VECTORS

PublishFile: TypeAlias = Callable[[Path], tuple[int, str]]

EXAMPLES = [file.parent.name for file in sorted((ROOT / "examples").glob("*/test_*.py"))]


def test_examples_pass_their_own_tests_and_publish_to_a_broker(rabbitmq: str) -> None:
    """In one process of their own, the only one that imports FastAPI and Django: that takes 2 s of CPU."""
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-p", "no:xdist"]
    files = [*(f"examples/{name}" for name in EXAMPLES), "tests/examples/on_a_broker.py"]
    environment = os.environ | {"CJW_RABBITMQ_HOST": rabbitmq}
    done = subprocess.run([*command, *files], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert len(EXAMPLES) == 3


@pytest.fixture
def publish_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> PublishFile:
    """Runs the back-fill in this process; returns its exit code, and what it prints."""

    def run(file: Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["backfill", str(file)])
        code = main()
        return code, "".join(capsys.readouterr())

    return run


def test_backfill_publishes_a_file_once(broker: Queue, tmp_path: Path, publish_file: PublishFile) -> None:
    file = tmp_path / "contacts.csv"
    rows = [f"id-{number},Name,{number}@example.com" for number in range(1_200)]
    file.write_text("\n".join(["intercom_id,name,email", *rows]))
    assert publish_file(file) == (0, "1200 rows are published\n")
    assert publish_file(file) == (0, "0 rows are published\n")
    assert [decode(body).path for body in broker.take_bodies()] == [f"/contacts/id-{n}" for n in range(1_200)]


def test_backfill_without_its_queue_says_so_and_can_go_on(
    broker: Queue, tmp_path: Path, publish_file: PublishFile
) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text("intercom_id,name,email\n1,Ada,ada@example.com\n")
    broker.delete()
    code, text = publish_file(file)
    assert code == 1
    assert f"there is no queue {broker.name}" in text
    assert text.endswith("run it again to go on\n")
    broker.declare()
    assert publish_file(file) == (0, "1 rows are published\n")


def test_publisher_sets_the_properties_of_the_wire_format(queue: Queue) -> None:
    messages = [to_message(vector["message"]) for vector in VECTORS["properties"]]
    with Publisher(queue.url, queue.name) as publisher:
        publisher.publish_batch(messages)
    published = amqp.get_all(queue.url, queue.name)
    for (_, properties, _), vector in zip(published, VECTORS["properties"], strict=True):
        assert (properties.headers or {}) == vector["headers"]
        assert properties.message_id == vector["properties"].get("message_id", properties.message_id or "an id")
        assert properties.timestamp == vector["properties"].get("timestamp", properties.timestamp or "a time")
        assert properties.delivery_mode == VECTORS["amqp"]["delivery_mode"]
        assert properties.content_type == VECTORS["amqp"]["content_type"]


def to_message(parts: dict[str, Any]) -> Message:
    parent = parts.get("traceparent")
    trace = None if parent is None else TraceContext(parent, parts.get("tracestate", ""))
    own = {name: parts[name] for name in ("ordering_key", "message_id", "timestamp") if name in parts}
    return Message(IntercomRequest("GET", "/me"), trace=trace, **own)
