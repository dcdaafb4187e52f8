"""Fixtures for pytest, which finds them by the entry point `intercom_sink`: the fakes of `intercom_sink.testing`.

| fixture | what it is |
|---|---|
| `fake_intercom` | a running FakeIntercom, over HTTP |
| `intercom_publisher` | an InMemoryPublisher |
| `intercom_async_publisher` | an InMemoryAsyncPublisher |
| `intercom_source` | an InMemorySource without messages, by `intercom_clock` |
| `intercom_gateway` | an InMemoryGateway that responds with 200 |
| `intercom_clock` | a VirtualClock |
| `intercom_monitor` | a RecordingMonitor |

Every pytest process of an environment that has the sink imports this module, so it imports nothing but pytest before a
fixture is used. `-p no:intercom_sink` switches it off.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from intercom_sink.testing import (
        FakeIntercom,
        InMemoryAsyncPublisher,
        InMemoryGateway,
        InMemoryPublisher,
        InMemorySource,
        RecordingMonitor,
        VirtualClock,
    )


@pytest.fixture
def fake_intercom() -> "Iterator[FakeIntercom]":
    """An Intercom over HTTP, at `fake_intercom.url`."""
    from intercom_sink.testing import FakeIntercom

    with FakeIntercom() as fake:
        yield fake


@pytest.fixture
def intercom_publisher() -> "InMemoryPublisher":
    """Keeps what is published in `messages`, without a broker."""
    from intercom_sink.testing import InMemoryPublisher

    return InMemoryPublisher()


@pytest.fixture
def intercom_async_publisher() -> "InMemoryAsyncPublisher":
    """The same for asyncio."""
    from intercom_sink.testing import InMemoryAsyncPublisher

    return InMemoryAsyncPublisher()


@pytest.fixture
def intercom_clock() -> "VirtualClock":
    """Time that passes only while something waits for it."""
    from intercom_sink.testing import VirtualClock

    return VirtualClock()


@pytest.fixture
def intercom_source(intercom_clock: "VirtualClock") -> "InMemorySource":
    """A queue, without messages: `intercom_source.queue.append(encode(...))`."""
    from intercom_sink.testing import InMemorySource

    return InMemorySource(monotonic=intercom_clock.monotonic)


@pytest.fixture
def intercom_gateway() -> "InMemoryGateway":
    """An Intercom in memory that responds with 200 to every request."""
    from intercom_sink.testing import InMemoryGateway

    return InMemoryGateway()


@pytest.fixture
def intercom_monitor() -> "RecordingMonitor":
    """Keeps every event."""
    from intercom_sink.testing import RecordingMonitor

    return RecordingMonitor()
