"""HTTPGateway keeps the promises of its port: the suite that the fake passes too, and what only HTTP has."""

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from intercom_sink import IntercomGateway, IntercomRequest, NoResponse, Response
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.secrets import FixedSecret
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.testing.intercom import (
    Behaviour,
    FakeIntercom,
    drip_body,
    drip_headers,
    error,
    hang,
    raw,
    reply,
    truncated,
)
from testbed.sink_process import TOKEN
from tests.contracts.intercom_gateway import FAILURE, REQUESTS, IntercomGatewayContract
from tests.support.durations import SLACK

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class HTTPGatewayRig:
    def __init__(self, intercom: FakeIntercom) -> None:
        self._intercom = intercom

    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        # A connection that is closed before a response, and was used before, is replaced: no failure.
        self._intercom.script += [truncated if step == FAILURE else reply(int(step)) for step in script]
        return HTTPGateway(self._intercom.url, FixedSecret(TOKEN), user_agent="test/1", timeout=20)

    def sent(self) -> list[IntercomRequest]:
        return [
            IntercomRequest(request.method, request.path, request.data if request.body else None)
            for request in self._intercom.requests
        ]


class TestHTTPGateway(IntercomGatewayContract):
    @pytest.fixture
    def rig(self, intercom: FakeIntercom) -> HTTPGatewayRig:
        return HTTPGatewayRig(intercom)

    @pytest.mark.parametrize("behaviour", [hang, drip_headers, drip_body], ids=["hang", "drip_headers", "drip_body"])
    def test_attempt_takes_no_longer_than_its_timeout(self, intercom: FakeIntercom, behaviour: Behaviour) -> None:
        intercom.script.append(behaviour)
        gateway = HTTPGateway(intercom.url, FixedSecret(TOKEN), user_agent="test/1", timeout=1.5)
        began = time.monotonic()
        assert isinstance(gateway.send(REQUESTS[0]), NoResponse)
        assert 1.4 < time.monotonic() - began < 1.5 + SLACK
        assert isinstance(gateway.send(REQUESTS[0]), Response), "the next attempt has a timeout of its own"
        gateway.close()

    @pytest.mark.parametrize(
        ("trace", "headers"),
        [
            (None, {}),
            (TraceContext(PARENT), {"traceparent": PARENT}),
            (TraceContext(PARENT, "vendor=1"), {"traceparent": PARENT, "tracestate": "vendor=1"}),
        ],
    )
    def test_trace_context_is_passed_on(
        self, intercom: FakeIntercom, trace: TraceContext | None, headers: dict[str, str]
    ) -> None:
        gateway = HTTPGateway(intercom.url, FixedSecret(TOKEN), user_agent="test/1")
        gateway.send(REQUESTS[0], trace)
        gateway.close()
        (sent,) = intercom.requests
        assert {name: value for name, value in sent.headers.items() if name.startswith("trace")} == headers

    def test_base_url_may_have_a_path(self, intercom: FakeIntercom) -> None:
        gateway = HTTPGateway(intercom.url + "/proxy/", FixedSecret(TOKEN), user_agent="test/1")
        gateway.send(IntercomRequest("GET", "/me?x=1"))
        gateway.close()
        assert intercom.requests[0].path == "/proxy/me?x=1"

    @pytest.mark.parametrize(
        "path", ["/..x", "/@evil:80/", "/http://evil/", "/a/.b", "/é?é", "/%2e%2ea//", "/;x=1", "/x?/../y"]
    )
    def test_request_goes_to_the_base_url_whatever_its_path(self, intercom: FakeIntercom, path: str) -> None:
        gateway = HTTPGateway(intercom.url, FixedSecret(TOKEN), user_agent="test/1")
        assert isinstance(gateway.send(IntercomRequest("GET", path)), Response)
        gateway.close()
        (request,) = intercom.requests
        assert request.headers["Host"] == urlsplit(intercom.url).netloc

    @pytest.mark.parametrize(
        "response",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * 10_000_000,
            b"HTTP/9 Bearer " + TOKEN.encode() + b"\r\n\r\n",
            b"HTTP/1.1 " + b"9" * 60_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
            b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
            b"HTTP/1.1 200",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"SSH-2.0-OpenSSH_9\r\n",
            b"\r\n" * 1000,
        ],
    )
    def test_truncated_or_invalid_response_is_none(self, intercom: FakeIntercom, response: bytes) -> None:
        intercom.script.append(raw(response))
        gateway = HTTPGateway(intercom.url, FixedSecret(TOKEN), user_agent="test/1", timeout=20)
        result = gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(result, NoResponse)
        assert TOKEN not in result.reason
        assert len(result.reason) <= 200

    def test_token_that_is_echoed_is_redacted(self, intercom: FakeIntercom) -> None:
        intercom.script.append(error(401, f"bad {TOKEN}", request_id=TOKEN))
        gateway = HTTPGateway(intercom.url, FixedSecret(TOKEN), user_agent="test/1")
        result = gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(result, Response)
        assert (result.request_id, result.error_codes) == ("***", ("bad ***",))

    @pytest.mark.parametrize(
        ("path", "target"),
        [("/a%20b%", "/a%20b%25"), ("/a%zz?%", "/a%25zz?%25"), ("/%2F%41", "/%2F%41"), ("/é?é", "/%C3%A9?%C3%A9")],
    )
    def test_escapes_are_kept_and_everything_else_is_escaped(
        self, intercom: FakeIntercom, path: str, target: str
    ) -> None:
        gateway = HTTPGateway(intercom.url, FixedSecret(TOKEN), user_agent="test/1")
        gateway.send(IntercomRequest("GET", path))
        gateway.close()
        assert intercom.requests[0].path == target
