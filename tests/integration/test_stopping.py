"""SIGTERM and SIGINT, whatever the sink is doing."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from testbed.intercom import Intercom, after, hang, rate_limited, reply
from testbed.ports import free_ports
from testbed.waiting import wait_until
from tests.integration.conftest import Queue, StartSink, message
from tests.integration.test_stream import numbers

SIGNALS = pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


@SIGNALS
def test_the_attempt_in_flight_finishes_and_is_acked_and_the_rest_goes_back(
    queue: Queue, intercom: Intercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    intercom.script.append(after(1, reply(200)))
    queue.publish(message(1), message(2), message(3))
    sink = start_sink(queue)
    wait_until(lambda: len(intercom.requests) == 1, "the request")
    sink.send(signum)
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == [1], "no further message was taken"
    assert [body for body, _ in queue.take_all()] == [message(2), message(3)]


@SIGNALS
def test_a_pause_ends_at_once_and_its_message_goes_back(
    queue: Queue, intercom: Intercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    intercom.script.append(rate_limited(30))
    queue.publish(message(1), message(2))
    sink = start_sink(queue)
    sink.wait_for("to be sent again")
    began = time.monotonic()
    sink.send(signum)
    assert sink.ended() == 0, sink.stderr
    assert time.monotonic() - began < 5
    assert [body for body, _ in queue.take_all()] == [message(1), message(2)]


def test_an_idle_sink_ends(queue: Queue, start_sink: StartSink) -> None:
    sink = start_sink(queue)
    sink.wait_for("consuming")
    assert sink.stop() == 0
    assert queue.consumers == 0


def test_a_sink_that_looks_for_its_broker_ends(start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    sink = start_sink(Queue(f"amqp://127.0.0.1:{port}"))
    sink.wait_for("RabbitMQ lost")
    began = time.monotonic()
    assert sink.stop() == 0
    assert time.monotonic() - began < 5


def test_a_sink_whose_broker_says_nothing_ends(start_sink: StartSink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = start_sink(Queue(f"amqp://127.0.0.1:{silent.getsockname()[1]}"))
        silent.settimeout(30)
        connection, _ = silent.accept()
        began = time.monotonic()
        assert sink.stop() == 0
        assert time.monotonic() - began < 5
        assert sink.logs("RabbitMQ lost") == [], "a stop is no fault"
        connection.close()


def test_a_second_signal_is_heeded_even_while_the_main_thread_is_in_a_system_call() -> None:
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
        assert process.wait(5) == 128 + signal.SIGTERM


@SIGNALS
def test_a_second_signal_ends_the_process_at_once(
    queue: Queue, intercom: Intercom, start_sink: StartSink, signum: signal.Signals
) -> None:
    intercom.script.append(hang)
    queue.publish(message(1))
    sink = start_sink(queue)
    wait_until(lambda: len(intercom.requests) == 1, "the request")
    sink.send(signum)
    sink.wait_for("stopping")
    sink.send(signum)
    assert sink.ended(timeout=5) == 128 + signum
    queue.wait_for_depth(1)
