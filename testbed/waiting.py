"""Waiting for a condition, in place of sleeping for a time."""

import time
from collections.abc import Callable
from pathlib import Path


def wait_until(
    condition: Callable[[], bool], what: str, timeout: float = 30.0, explain: Callable[[], object] = lambda: ""
) -> None:
    """Returns once `condition()` is true.

    Args:
        condition: is evaluated again and again.
        what: names it, for the error.
        timeout: seconds after which AssertionError is raised.
        explain: adds to the error what may explain it.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}\n{explain()}")
        time.sleep(0.02)


def wait_until_stopped(pid: int) -> None:
    """Returns once a process that was sent SIGSTOP has stopped: it may go on for a moment."""
    state = Path(f"/proc/{pid}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", f"process {pid} to be stopped")
