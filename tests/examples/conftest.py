"""The fixtures of the examples' tests."""

import pytest

from tests.support.queues import Queue


@pytest.fixture
def broker(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue that the environment names."""
    for name, value in queue.variables.items():
        monkeypatch.setenv(name, value)
    return queue
