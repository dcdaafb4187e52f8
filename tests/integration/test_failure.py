"""RabbitMQ unavailable for good: the sink fails with exit code 1 and one line that says why."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from intercom_sink.testing.intercom import FakeIntercom
from testbed.ports import free_ports
from testbed.proxy import Proxy
from testbed.rabbitmq import Node
from testbed.sink_process import SinkProcess
from tests.support.processes import StartSink
from tests.support.queues import Queue, changed_url, port_of


def assert_failed_at_once(sink: SinkProcess, reason: str) -> None:
    """The sink has failed for this reason, without trying to reconnect."""
    assert sink.wait() == 1
    (line,) = sink.logs("failed")
    assert line["level"] == "CRITICAL"
    assert reason in line["reason"]
    assert len(sink.logs("RabbitMQ unavailable")) == 1
    assert sink.logs("reconnecting") == []
    assert "Traceback" not in sink.stderr


def test_fails_once_the_reconnect_timeout_is_over(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    with Proxy(port_of(queue.url)) as between:
        url = changed_url(queue.url, port=between.port)
        sink = start_sink(queue, CJW_RABBITMQ_HOST=url, CJW_RABBITMQ_RECONNECT_TIMEOUT="3")
        sink.wait_for("consuming")
        began = time.monotonic()
    assert sink.wait() == 1
    assert 3 <= time.monotonic() - began < 20
    (line,) = sink.logs("failed")
    assert line["level"] == "CRITICAL"
    assert "Connection refused" in line["reason"]
    assert sink.logs("reconnecting")
    assert sink.logs("stopped") == []
    assert "Traceback" not in sink.stderr


def test_fails_at_the_first_error_with_a_reconnect_timeout_of_0(start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    sink = start_sink(Queue(f"amqp://127.0.0.1:{port}"), CJW_RABBITMQ_RECONNECT_TIMEOUT="0")
    assert_failed_at_once(sink, "Connection refused")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (partial(changed_url, password="wrong"), "ACCESS_REFUSED"),
        (partial(changed_url, vhost="no-such-vhost"), "vhost no-such-vhost not found"),
    ],
    ids=["wrong password", "unknown vhost"],
)
def test_fails_at_once_if_the_broker_refuses_the_login(
    queue: Queue, start_sink: StartSink, change: Callable[[str], str], reason: str
) -> None:
    sink = start_sink(queue, CJW_RABBITMQ_HOST=change(queue.url))
    assert_failed_at_once(sink, reason)


def test_fails_at_once_if_the_user_may_not_read_the_queue(node: Node, start_sink: StartSink) -> None:
    queue = Queue(node.url)
    queue.declare()
    node.ctl("add_user", "stranger", "pass")
    node.ctl("set_permissions", "stranger", "", "", "")
    sink = start_sink(queue, CJW_RABBITMQ_HOST=changed_url(queue.url, user="stranger", password="pass"))
    assert_failed_at_once(sink, "ACCESS_REFUSED")
