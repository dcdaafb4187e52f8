"""SIGTERM and SIGINT, whatever the sink is doing; and SIGKILL, after which the next sink continues."""

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from intercom_sink.testing.intercom import FakeIntercom, after, after_event, hang, rate_limited, reply
from testbed.ports import free_ports
from testbed.waiting import wait_until
from tests.support.durations import SLACK
from tests.support.messages import message, messages, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue

pytestmark = pytest.mark.real_processes

SIGNALS = pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


@SIGNALS
def test_attempt_in_flight_finishes_and_the_other_messages_are_requeued(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    stopping = threading.Event()
    intercom.script.append(after_event(stopping, after(0.2, reply(200))))
    queue.publish(message(1), message(2), message(3))
    sink = start_sink(queue)
    intercom.wait_for(1)
    sink.send(signum)
    sink.wait_for("stopping")
    stopping.set()
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [1], "no further message was sent"
    assert queue.take_bodies() == [message(2), message(3)]


@SIGNALS
def test_pause_ends_at_once_and_its_message_is_requeued(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    intercom.script.append(rate_limited(30))
    queue.publish(message(1), message(2))
    sink = start_sink(queue)
    sink.wait_for("retry scheduled")
    began = time.monotonic()
    sink.send(signum)
    assert sink.wait() == 0, sink.stderr
    assert time.monotonic() - began < SLACK
    assert queue.take_bodies() == [message(1), message(2)]


def test_idle_sink_ends(queue: Queue, start_sink: StartSink) -> None:
    sink = start_sink(queue)
    sink.wait_for("consuming")
    assert sink.stop() == 0
    assert queue.consumers == 0


def test_sink_that_reconnects_ends(start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    sink = start_sink(Queue(f"amqp://127.0.0.1:{port}"))
    sink.wait_for("RabbitMQ unavailable")
    began = time.monotonic()
    assert sink.stop() == 0
    assert time.monotonic() - began < SLACK


def test_sink_whose_broker_does_not_respond_ends(start_sink: StartSink) -> None:
    """A connection that is broken off by a stop is not logged as an error."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = start_sink(Queue(f"amqp://127.0.0.1:{silent.getsockname()[1]}"))
        silent.settimeout(30)
        connection, _ = silent.accept()
        began = time.monotonic()
        assert sink.stop() == 0
        assert time.monotonic() - began < SLACK
        assert sink.logs("RabbitMQ unavailable") == []
        connection.close()


def test_second_signal_ends_a_process_that_is_in_a_system_call() -> None:
    code = (
        "import ctypes, threading\n"
        "from intercom_sink.entrypoints.signals import stopping_on_signals\n"
        "with stopping_on_signals(lambda: print('stopping', flush=True)):\n"
        "    print('ready', flush=True)\n"
        "    while True: ctypes.CDLL(None).sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.readline() == "stopping\n"
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM


@SIGNALS
def test_second_signal_ends_the_sink_at_once(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    intercom.script.append(hang)
    queue.publish(message(1))
    sink = start_sink(queue)
    intercom.wait_for(1)
    sink.send(signum)
    sink.wait_for("stopping")
    sink.send(signum)
    assert sink.wait(timeout=SLACK) == 128 + signum
    queue.wait_for_depth(1)


def test_message_in_flight_at_sigkill_is_sent_first_after_a_restart(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """The broker has got the ack of the first of 11 messages once it has delivered the last: the sink holds 10."""
    intercom.script += [reply(200), hang]
    queue.publish(*messages(11))
    first = start_sink(queue)
    wait_until(lambda: (len(intercom.requests), queue.depth) == (2, 0), "the second request, and the ack of the first")
    first.send(signal.SIGKILL)
    first.wait()
    second = start_sink(queue, "run", "--drain")
    assert second.wait() == 0, second.stderr
    assert numbers(intercom) == [0, 1, *range(1, 11)]
