"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool], what: str, timeout: float = 30.0, explain: Callable[[], object] = lambda: ""
) -> None:
    """Returns once `condition()` holds; raises AssertionError, naming `what`, if that takes over `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}\n{explain()}")
        time.sleep(0.02)
