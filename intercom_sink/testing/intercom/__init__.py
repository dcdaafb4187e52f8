"""A scripted Intercom over real HTTP: Intercom's rate windows, errors and contacts, and faults on the wire.

    with FakeIntercom() as fake:
        fake.script += [reply(503), rate_limited(1)]    # the next two requests; then it behaves like Intercom
        fake.on("DELETE", "/contacts/*", error(404))    # every request of this kind
        ...                                             # send requests to fake.url
        assert fake.requests[0].data == {"email": "ada@example.com"}

Modules, in reading order:
- `server`: FakeIntercom, which decides what to do with each request
- `workspace`: what it knows of contacts and events, and how it responds without a script
- `rate_window`: how many requests it admits in each window
- `exchange`: a request, and the ways to respond to it; `Behaviour`, of which scripts are made
- `responses`: behaviours that are valid responses, good and bad
- `faults`: behaviours that are none: late, broken or endless
- `routes`: behaviours for single paths
- `http1`: reads requests and writes responses, by HTTP/1.1
- `listener`: accepts connections, and closes them all at once

It uses the standard library alone.
"""

from intercom_sink.testing.intercom.exchange import Behaviour, Exchange, ReceivedRequest
from intercom_sink.testing.intercom.faults import (
    after,
    after_event,
    close_early,
    drip,
    drip_body,
    drip_headers,
    endless,
    garbage,
    hang,
    raw,
    reset,
    truncated,
)
from intercom_sink.testing.intercom.rate_window import RateWindow
from intercom_sink.testing.intercom.responses import (
    ErrorReply,
    Reply,
    error,
    gateway_error,
    interim,
    rate_limited,
    reply,
    resource_limited,
    retry_after,
)
from intercom_sink.testing.intercom.server import FakeIntercom
from intercom_sink.testing.intercom.workspace import Workspace

__all__ = [
    "Behaviour",
    "ErrorReply",
    "Exchange",
    "FakeIntercom",
    "RateWindow",
    "ReceivedRequest",
    "Reply",
    "Workspace",
    "after",
    "after_event",
    "close_early",
    "drip",
    "drip_body",
    "drip_headers",
    "endless",
    "error",
    "garbage",
    "gateway_error",
    "hang",
    "interim",
    "rate_limited",
    "raw",
    "reply",
    "reset",
    "resource_limited",
    "retry_after",
    "truncated",
]
