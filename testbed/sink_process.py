"""The sink as an operator runs it: a process with environment variables, signals and log lines."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from testbed.forked_process import ForkedProcess, ForkServer
from testbed.waiting import wait_until

TOKEN = "dG9rOjEyMzQ1Njc4OTA="
"""A token that looks like Intercom's access tokens."""


class SinkProcess:
    """`python -m intercom_sink ARGUMENTS`, logging JSON at DEBUG; killed at the end of the block, if it still runs.

    Args:
        environment: added to this process's environment; None unsets a variable.
        arguments: the command line.
        server: forks the process, which saves the imports; None: the process is started as users start it.
    """

    def __init__(self, environment: dict[str, str | None], *arguments: str, server: ForkServer | None = None) -> None:
        variables = {"CJW_LOG_FORMAT": "json", "CJW_LOG_LEVEL": "DEBUG", "CJW_INTERCOM_API_TOKEN": TOKEN}
        # Its coverage is not measured: that would double the time in which it starts, and the tests in this process
        # cover the same lines.
        unwanted = ("CJW_", "COVERAGE_", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(unwanted)}
        merged = inherited | variables | environment
        self._folder = tempfile.TemporaryDirectory(prefix="sink-")
        self._stderr = Path(self._folder.name, "stderr")
        self._stdout = Path(self._folder.name, "stdout")
        self._entries: list[dict[str, Any]] = []
        self._parsed = 0  # bytes of standard error
        env = {name: value for name, value in merged.items() if value is not None}
        with self._stderr.open("wb") as stderr, self._stdout.open("wb") as stdout:
            self.process: subprocess.Popen[bytes] | ForkedProcess
            if server is None:
                command = [sys.executable, "-m", "intercom_sink", *arguments]
                self.process = subprocess.Popen(
                    command, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
                )
            else:
                self.process = server.start("intercom_sink", arguments, env, stdout, stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._folder.cleanup()

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._stdout.read_text()

    @property
    def stderr(self) -> str:
        """What it has logged so far, as text."""
        return self._stderr.read_text()

    def explain(self) -> str:
        """What it has logged so far, for the error of a wait that ran out of time."""
        return self.stderr

    def logs(self, event: str | None = None) -> list[dict[str, Any]]:
        """The log lines so far that are complete; only those with this event text, if it is given."""
        with self._stderr.open("rb") as stderr:
            stderr.seek(self._parsed)
            complete, end, _ = stderr.read().rpartition(b"\n")
        self._parsed += len(complete + end)
        self._entries += [json.loads(line) for line in complete.split(b"\n") if line.startswith(b"{")]
        return [entry for entry in self._entries if event in (None, entry["event"])]

    def wait_for(self, event: str, count: int = 1, timeout: float = 30.0) -> dict[str, Any]:
        """Waits for the `count`-th log line with this event text, and returns it."""
        wait_until(lambda: len(self.logs(event)) >= count, f"{event!r} in the log", timeout, self.explain)
        return self.logs(event)[count - 1]

    def send(self, signum: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(signum)

    def wait(self, timeout: float = 30.0) -> int:
        """Waits for the process to end; returns its exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the sink still runs after {timeout} s:\n{self.stderr}") from None

    def stop(self) -> int:
        """Sends SIGTERM, and waits for the process to end; returns its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()
