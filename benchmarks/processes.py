"""The processes of a run: the HTTP server in Intercom's place, and the contender."""

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.catalogue import PYTHON, Contender
from benchmarks.contenders import Job
from benchmarks.cpu_limit import limit
from benchmarks.usage import Usage, usage_of

STOP_TIMEOUT = 30.0
"""Seconds that a process may take to end after SIGTERM."""

CHECK_INTERVAL = 0.02
"""Seconds between two looks whether the contender still runs."""


class ContenderProcess:
    """The process that is measured.

    Attributes:
        pid: its process ID.
        started_at: when it was started, on the monotonic clock.
    """

    def __init__(self, process: subprocess.Popen[bytes], started_at: float, output: IO[bytes]) -> None:
        self.pid = process.pid
        self.started_at = started_at
        self._process = process
        self._output = output

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of(self.pid)

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def output(self) -> str:
        """The end of what it has printed."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-2000:]


class ServerProcess:
    """`python -m benchmarks.server`, and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes], scheme: str) -> None:
        self._process = process
        self.url = f"{scheme}://127.0.0.1:{int(self._read_line())}"

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of(self._process.pid)

    def wait_for_checkpoint(self, contender: ContenderProcess, timeout: float) -> None:
        """Waits for the next checkpoint; AssertionError if the contender ends first, or after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not self._has_line(CHECK_INTERVAL):
            assert not contender.has_ended(), f"the contender has ended:\n{contender.output()}"
            assert time.monotonic() < deadline, f"no checkpoint within {timeout} s:\n{contender.output()}"
        self._read_line()

    def stop(self) -> Any:
        """Ends the server; returns its statistics."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        line = self._read_line()
        while not line.startswith(b"{"):  # a checkpoint that was not waited for
            line = self._read_line()
        return json.loads(line)

    def _has_line(self, timeout: float) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], timeout)[0])

    def _read_line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server has ended"
        return line


@contextmanager
def running_server(
    latency_ms: int,
    *,
    warm_up: int = 0,
    checkpoints: Iterable[int] = (),
    limit: int | None = None,
    certificate: Path | None = None,
) -> Iterator[ServerProcess]:
    """A server, until the end of the block.

    Args:
        latency_ms: milliseconds that each response takes.
        warm_up: how many responses on each path to leave out of its statistics.
        checkpoints: the counts of 200 responses at which `wait_for_checkpoint` returns.
        limit: requests that each rate window allows; None: any number.
        certificate: a file with a certificate and its key, for a server over TLS.
    """
    command = [*PYTHON, "benchmarks.server", "--latency", str(latency_ms / 1000), "--warm-up", str(warm_up)]
    if checkpoints:
        command += ["--checkpoints", ",".join(map(str, checkpoints))]
    if limit is not None:
        command += ["--limit", str(limit)]
    if certificate is not None:
        command += ["--certificate", str(certificate)]
    process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with _ending(process):
        yield ServerProcess(process, "https" if certificate else "http")


@contextmanager
def running_contender(
    contender: Contender, job: Job, *, cpu_limit: float | None = None, authority: Path | None = None
) -> Iterator[ContenderProcess]:
    """A contender, until the end of the block.

    Args:
        contender: who.
        job: its work.
        cpu_limit: cores that it may use; None: all.
        authority: the certificate of the authority that it trusts, if the server is one over TLS.
    """
    environment = os.environ | job.environment() | ({"SSL_CERT_FILE": str(authority)} if authority else {})
    with ExitStack() as stack:
        output = stack.enter_context(tempfile.TemporaryFile())
        command = contender.command(job.concurrency)
        limited = stack.enter_context(limit(cpu_limit)) if cpu_limit else None
        started_at = time.monotonic()
        process = subprocess.Popen(
            limited.command(command) if limited else command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        stack.enter_context(_ending(process))
        if limited:
            limited.started(process.pid)
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
