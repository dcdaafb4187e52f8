"""In-memory fakes of the ports, for unit tests of this package and of services that use it.

    clock = VirtualClock()
    message = encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))
    source = InMemorySource([message], monotonic=clock.monotonic)
    gateway = InMemoryGateway([Response(500), Response(200)])
    Sink(source, gateway, clock, decode).run()
    assert len(source.acked) == 1 and len(gateway.requests) == 2

Several threads may use the source, the gateway and the monitor at once, as a sink of a concurrency above 1 does; its
clock must then be a real one (`intercom_sink.SystemClock`).
"""

from intercom_sink.testing.clock import VirtualClock
from intercom_sink.testing.gateway import InMemoryGateway
from intercom_sink.testing.monitor import RecordingMonitor
from intercom_sink.testing.source import InMemoryDelivery, InMemorySource

__all__ = ["InMemoryDelivery", "InMemoryGateway", "InMemorySource", "RecordingMonitor", "VirtualClock"]
