"""Fakes for unit tests of this package, and of services that use it or publish to its queue.

In memory, one for each port but `Decoder`, whose adapter is pure:

    clock = VirtualClock()
    message = encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))
    source = InMemorySource([message], monotonic=clock.monotonic)
    gateway = InMemoryGateway([Response(500), Response(200)])
    Sink(source, gateway, clock, decode).run()
    assert len(source.acked) == 1 and len(gateway.requests) == 2

Several threads may use the source, the gateway and the monitor at once, as a sink of a concurrency above 1 does; its
clock must then be a real one (`intercom_sink.SystemClock`).

Over HTTP: FakeIntercom; `intercom_sink.testing.intercom` has what its scripts are made of. On the command line it is
`intercom-sink fake-intercom`.

pytest finds the fixtures by itself: `pytest_plugin` lists them.
"""

from typing import TYPE_CHECKING

from intercom_sink.lazy_names import lazy_names

if TYPE_CHECKING:
    from intercom_sink.testing.clock import VirtualClock
    from intercom_sink.testing.gateway import InMemoryGateway
    from intercom_sink.testing.intercom import FakeIntercom
    from intercom_sink.testing.monitor import RecordingMonitor
    from intercom_sink.testing.publisher import InMemoryAsyncPublisher, InMemoryPublisher
    from intercom_sink.testing.source import InMemoryDelivery, InMemorySource

__all__ = [
    "FakeIntercom",
    "InMemoryAsyncPublisher",
    "InMemoryDelivery",
    "InMemoryGateway",
    "InMemoryPublisher",
    "InMemorySource",
    "RecordingMonitor",
    "VirtualClock",
]

_MODULES = {
    "FakeIntercom": "intercom",
    "InMemoryAsyncPublisher": "publisher",
    "InMemoryDelivery": "source",
    "InMemoryGateway": "gateway",
    "InMemoryPublisher": "publisher",
    "InMemorySource": "source",
    "RecordingMonitor": "monitor",
    "VirtualClock": "clock",
}
"""Where each name is defined. It is imported on first use: pytest's plugin is in every pytest process."""

if not TYPE_CHECKING:  # a type checker would take every name for one of this module
    __getattr__ = lazy_names(__name__, _MODULES)
