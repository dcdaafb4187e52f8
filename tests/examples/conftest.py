"""The fixtures of the examples' tests."""

import pytest

from tests.support.fixtures import intercom, queue, rabbitmq
from tests.support.queues import Queue

__all__ = ["intercom", "queue", "rabbitmq"]


@pytest.fixture
def broker(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue that the environment names."""
    for name, value in queue.variables.items():
        monkeypatch.setenv(name, value)
    return queue
