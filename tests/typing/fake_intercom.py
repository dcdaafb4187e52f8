"""Scripts an Intercom over HTTP, by every name there is for that; checked as api.py is."""

import threading
from collections import deque
from typing import assert_type

from intercom_sink.testing import FakeIntercom
from intercom_sink.testing.intercom import (
    Behaviour,
    ErrorReply,
    Exchange,
    RateWindow,
    ReceivedRequest,
    Reply,
    Workspace,
    after,
    after_event,
    close_early,
    drip,
    drip_body,
    drip_headers,
    endless,
    error,
    garbage,
    gateway_error,
    hang,
    interim,
    rate_limited,
    raw,
    reply,
    reset,
    resource_limited,
    retry_after,
    truncated,
)


def slowly(exchange: Exchange) -> None:
    assert_type(exchange.request, ReceivedRequest)
    if not exchange.wait(0.1):
        exchange.send_interim(103)
        exchange.send(200, {"X-Slow": "yes"}, b"{}")


def script() -> list[Behaviour]:
    valid = reply(200, data={"id": "c1"})
    assert_type(valid, Reply)
    refused = error(422, "parameter_invalid", "email is invalid")
    assert_type(refused, ErrorReply)
    good: list[Behaviour] = [valid, interim(valid), after(0.5, valid), after_event(threading.Event(), valid), slowly]
    bad: list[Behaviour] = [refused, gateway_error(), rate_limited(1), resource_limited(1), retry_after(2)]
    broken: list[Behaviour] = [hang, reset, close_early, endless, truncated, garbage, raw(b"HTTP/2.0"), drip(b"HTTP")]
    return [*good, *bad, *broken, drip_body, drip_headers]


def use() -> str | None:
    with FakeIntercom(token="secret", limit=100, latency=0.01) as fake:
        assert_type(fake, FakeIntercom)
        assert_type(fake.url, str)
        assert_type(fake.script, deque[Behaviour])
        assert_type(fake.window, RateWindow | None)
        assert_type(fake.workspace, Workspace)
        fake.script += script()
        fake.on("DELETE", "/contacts/*", error(404))
        (request,) = fake.wait_for(1, timeout=5)
        assert_type(request, ReceivedRequest)
        assert_type(request.status, int | None)
        assert_type(fake.requests, list[ReceivedRequest])
        return request.header("Authorization")
