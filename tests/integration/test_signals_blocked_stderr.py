"""Signals while nobody reads standard error: every log line blocks, and the logging lock with it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.ports import free_ports
from testbed.waiting import wait_until
from tests.support.processes import PROGRAM, environment_with
from tests.support.queues import Queue


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """The writing end of a pipe that is full, and that nobody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    yield writer
    os.close(writer)
    os.close(reader)


def signals_in(process: "subprocess.Popen[bytes]", field: str) -> int:
    """A set of signals from the kernel's view of a process; bit 0 is signal 1."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)[field], 16)


def has(signals: int, signum: signal.Signals) -> bool:
    return bool(signals & 1 << signum - 1)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_second_signal_ends_the_sink_at_once(full_pipe: int, signum: signal.Signals) -> None:
    """The first one can't be logged, and so does not stop the sink."""
    (port,) = free_ports(1)
    variables = Queue(f"amqp://127.0.0.1:{port}").variables | {"CJW_INTERCOM_API_TOKEN": "mock"}
    with subprocess.Popen(PROGRAM, env=environment_with(variables), stderr=full_pipe) as process:
        try:
            # Until then, the first one ends the process. SIGTERM gets its handler after SIGINT.
            wait_until(lambda: has(signals_in(process, "SigCgt"), signal.SIGTERM), "the signals to have handlers")
            process.send_signal(signum)
            time.sleep(0.5)
            assert process.poll() is None, "the first signal does not end it while it can't log"
            process.send_signal(signum)
            assert process.wait(30) == 128 + signum
        finally:
            process.kill()
