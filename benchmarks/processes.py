"""The two processes of a run: the HTTP server in Intercom's place, and the contender."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from benchmarks.contenders import Job
from benchmarks.plan import BARE_URLLIB3, CELERY, FASTSTREAM, PLAIN_LOOP, SINK
from benchmarks.usage import Usage, usage_of
from testbed.waiting import wait_until

PYTHON = (sys.executable, "-m")
COMMANDS = {
    BARE_URLLIB3: (*PYTHON, "benchmarks.contenders.bare_urllib3"),
    PLAIN_LOOP: (*PYTHON, "benchmarks.contenders.plain_loop"),
    FASTSTREAM: (*PYTHON, "faststream", "run", "benchmarks.contenders.faststream_httpx:app"),
    CELERY: (*PYTHON, "benchmarks.contenders.celery_requests"),
    SINK: (*PYTHON, "intercom_sink", "run"),
}

STOP_TIMEOUT = 30.0
"""Seconds that a process may take to end after SIGTERM."""


class ContenderProcess:
    """The process that is measured.

    Attributes:
        started_at: when it was started, on the monotonic clock.
    """

    def __init__(self, process: subprocess.Popen[bytes], started_at: float, output: IO[bytes]) -> None:
        self.started_at = started_at
        self._process = process
        self._output = output

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of(self._process.pid)

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def output(self) -> str:
        """The end of what it has printed."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-2000:]


class ServerProcess:
    """`python -m benchmarks.server`, and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{int(self._read_line())}"

    def wait_for_checkpoint(self, contender: ContenderProcess, timeout: float) -> None:
        """Waits for the next checkpoint; AssertionError if the contender ends first, or after `timeout` seconds."""
        wait_until(lambda: self._has_line() or contender.has_ended(), "the next checkpoint", timeout, contender.output)
        assert self._has_line(), f"the contender has ended:\n{contender.output()}"
        self._read_line()

    def stop(self) -> Any:
        """Ends the server; returns its statistics."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        line = self._read_line()
        while not line.startswith(b"{"):  # a checkpoint that was not waited for
            line = self._read_line()
        return json.loads(line)

    def _has_line(self) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def _read_line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server has ended"
        return line


@contextmanager
def running_server(
    latency_ms: int, *, warm_up: int = 0, checkpoints: Iterable[int] = (), limit: int | None = None
) -> Iterator[ServerProcess]:
    """A server, until the end of the block.

    Args:
        latency_ms: milliseconds that each response takes.
        warm_up: how many responses on each path to leave out of its statistics.
        checkpoints: the counts of 200 responses at which `wait_for_checkpoint` returns.
        limit: requests that each rate window allows; None: any number.
    """
    command = [*PYTHON, "benchmarks.server", "--latency", str(latency_ms / 1000), "--warm-up", str(warm_up)]
    if checkpoints:
        command += ["--checkpoints", ",".join(map(str, checkpoints))]
    if limit is not None:
        command += ["--limit", str(limit)]
    process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with _ending(process):
        yield ServerProcess(process)


@contextmanager
def running_contender(contender: str, job: Job) -> Iterator[ContenderProcess]:
    """A contender, until the end of the block."""
    with tempfile.TemporaryFile() as output:
        started_at = time.monotonic()
        process = subprocess.Popen(
            COMMANDS[contender],
            env=os.environ | job.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        with _ending(process):
            yield ContenderProcess(process, started_at, output)


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the process with the block: by SIGTERM, and by SIGKILL if the block fails or SIGTERM does not suffice."""
    with process:
        try:
            yield
            process.terminate()
            process.wait(STOP_TIMEOUT)
        finally:
            process.kill()
