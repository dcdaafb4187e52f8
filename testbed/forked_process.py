"""Processes that a fork server starts: they do what `python -m MODULE` does, but need not import what it has."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from testbed import fork_server

READ_LATE = ("CJW_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PYTEST_")
"""How the variables begin that a sink reads only once it runs, or never. Others may matter as the interpreter starts,
or to a library as it is imported."""


class ForkedProcess:
    """A process that the server has forked, with the part of Popen's interface that the tests use. Thread-safe."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server
        self._descriptor = os.pidfd_open(pid)
        weakref.finalize(self, os.close, self._descriptor)
        self._lock = threading.Lock()  # the server may be asked for an exit code once

    def poll(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None while it runs."""
        with self._lock:
            if self.returncode is None:
                self.returncode = self._server.ask(self.pid)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end, and returns what `poll` does; raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            ended = select.poll()
            ended.register(self._descriptor, select.POLLIN)
            ended.poll(None if timeout is None else timeout * 1000)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, signum: int) -> None:
        """Sends it a signal, if it still runs."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signum)

    def kill(self) -> None:
        """Sends it SIGKILL, if it still runs."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A process that forks others. This one may have threads, with which a fork is not safe.

    Its environment is that of this process, without coverage and the variables of READ_LATE.
    """

    def __init__(self) -> None:
        self._environment = _read_early(os.environ)
        self._lock = threading.Lock()
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-m", fork_server.__name__, str(other.fileno())],
                cwd=Path(__file__).parents[1],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        stdout: IO[bytes],
        stderr: IO[bytes],
        stdin: IO[bytes] | None = None,
        folder: Path | None = None,
    ) -> ForkedProcess:
        """Starts `python -m MODULE ARGUMENTS`, without input and in the working directory of this process, if not told.

        Raises ValueError if it would be another process with these variables, had it been started by itself.
        """
        if differing := dict(_read_early(env).items() ^ self._environment.items()):
            raise ValueError(f"a forked process can't have other values of these variables: {sorted(differing)}")
        request = {
            "module": module,
            "arguments": arguments,
            "environment": dict(env),
            "folder": str(folder or Path.cwd()),
        }
        streams = [stdout, stderr] if stdin is None else [stdout, stderr, stdin]
        return ForkedProcess(self, self.ask(request, *(stream.fileno() for stream in streams)))

    def ask(self, request: object, *descriptors: int) -> Any:
        """Sends the server a request, with these descriptors, and returns its answer."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            answer = self._socket.recv(fork_server.MAX_MESSAGE)
        if not answer:
            raise ConnectionError("the fork server has ended")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the server, and what it has started."""
        self._socket.close()
        self.process.wait()


def _read_early(variables: Mapping[str, str]) -> dict[str, str]:
    late = (*READ_LATE, "COVERAGE_")
    return {name: value for name, value in variables.items() if not name.upper().startswith(late)}
