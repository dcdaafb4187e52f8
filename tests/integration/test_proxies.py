"""Proxies to Intercom: tunnels for HTTPS, whole URLs for HTTP, on loopback."""

import base64
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trustme

from intercom_sink import IntercomRequest, NoResponse, Response
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.intercom.proxy import Proxy
from intercom_sink.adapters.secrets import FixedSecret
from intercom_sink.testing.intercom import FakeIntercom, error, reply
from testbed.http_proxy import ESTABLISHED, HTTPProxy
from testbed.sink_process import TOKEN
from testbed.waiting import wait_until
from tests.support.durations import takes_less_than
from tests.support.messages import message, numbers
from tests.support.processes import StartSink, run_command
from tests.support.queues import Queue
from tests.support.tls import server_context

POST = IntercomRequest("POST", "/contacts?x=1", {"email": "ada@example.com"})
PASSWORD = "s3cr3t-p4ssw0rd"


@pytest.fixture(params=["http", "https"])
def server(
    request: pytest.FixtureRequest, authority: trustme.CA, authority_file: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeIntercom]:
    """An Intercom named intercom.test, which only the proxy finds."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    tls = server_context(authority, "intercom.test") if request.param == "https" else None
    with FakeIntercom(tls=tls) as running:
        running.default = reply(200)
        running.url = running.url.replace("127.0.0.1", "intercom.test")
        yield running


@pytest.fixture
def proxy() -> Iterator[HTTPProxy]:
    with HTTPProxy(f"ada:{PASSWORD}") as running:
        yield running


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def known(proxy: HTTPProxy) -> Proxy:
    return Proxy("127.0.0.1", proxy.port, "ada", PASSWORD)


def make(cleanup: ExitStack, server: FakeIntercom, proxy: Proxy, timeout: float = 20) -> HTTPGateway:
    gateway = HTTPGateway(server.url, FixedSecret(TOKEN), user_agent="test/1", timeout=timeout, proxy=proxy)
    cleanup.callback(gateway.close)
    return gateway


def status_of(result: Response | NoResponse) -> int | None:
    return result.status if isinstance(result, Response) else None


def is_tunnel(server: FakeIntercom) -> bool:
    return server.url.startswith("https")


def test_requests_go_through_the_proxy_over_one_connection(
    cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy
) -> None:
    gateway = make(cleanup, server, known(proxy))
    assert [status_of(gateway.send(POST)) for _ in range(3)] == [200] * 3
    authority = server.url.partition("//")[2]
    asked = [f"CONNECT {authority}"] if is_tunnel(server) else [f"POST {server.url}/contacts?x=1"] * 3
    assert [line.rpartition(" ")[0] for line in proxy.requests] == asked
    assert len({request.client_port for request in server.requests}) == 1
    for request in server.requests:
        assert (request.path, request.headers["Host"], request.data) == ("/contacts?x=1", authority, POST.data)
        assert "Proxy-Authorization" not in request.headers


@pytest.mark.parametrize("user", [None, "ada"])
def test_proxy_that_refuses_the_user_is_no_response(
    cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy, user: str | None
) -> None:
    """Not a 4xx of Intercom's, for which the message would be given up."""
    gateway = make(cleanup, server, Proxy("127.0.0.1", proxy.port, user, user and f"not {PASSWORD}"))
    result = gateway.send(POST)
    assert isinstance(result, NoResponse)
    assert PASSWORD not in result.reason
    assert "407" in result.reason or "proxy refuses" in result.reason
    assert server.requests == []


@pytest.mark.parametrize("server", ["http"], indirect=True)
def test_407_without_a_proxy_is_intercoms_response(cleanup: ExitStack, server: FakeIntercom) -> None:
    server.url = server.url.replace("intercom.test", "127.0.0.1")
    server.script.append(reply(407))
    gateway = HTTPGateway(server.url, FixedSecret(TOKEN), user_agent="test/1")
    cleanup.callback(gateway.close)
    assert status_of(gateway.send(POST)) == 407


def test_password_that_is_echoed_is_redacted(cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy) -> None:
    encoded = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    server.script += [error(422, f"x {PASSWORD}", request_id=encoded)]
    result = make(cleanup, server, known(proxy)).send(POST)
    assert isinstance(result, Response)
    assert (result.error_codes, result.request_id) == (("x ***",), "***")


@pytest.mark.parametrize("server", ["https"], indirect=True)
@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 403 Bearer " + PASSWORD.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200",
        b"not HTTP\r\n\r\n",
        b"",
    ],
)
def test_tunnel_that_fails_is_no_response(
    cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy, response: bytes
) -> None:
    proxy.response = [response, 0.1]
    result = make(cleanup, server, known(proxy), timeout=1).send(POST)
    assert isinstance(result, NoResponse)
    assert PASSWORD not in result.reason
    assert server.requests == []


@pytest.mark.parametrize("server", ["https"], indirect=True)
@pytest.mark.parametrize(
    "steps",
    [
        [0.2, b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n", 0.1] * 100,  # a drip: no read waits for long
        [60.0],
        [0.6, ESTABLISHED, 60.0],  # no TLS handshake is answered
    ],
    ids=["drip", "silence", "handshake"],
)
def test_tunnel_and_handshake_share_the_deadline(
    cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy, steps: list[bytes | float]
) -> None:
    proxy.response = steps
    gateway = make(cleanup, server, known(proxy), timeout=1)
    began = time.monotonic()
    assert takes_less_than(1.5, lambda: gateway.send(POST))
    assert time.monotonic() - began > 0.9
    assert isinstance(gateway.send(POST), NoResponse)


@pytest.mark.parametrize("server", ["https"], indirect=True)
def test_certificate_is_verified_through_the_tunnel(
    cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy, authority: trustme.CA
) -> None:
    server.url = server.url.replace("intercom.test", "another.test")
    result = make(cleanup, server, known(proxy)).send(POST)
    assert isinstance(result, NoResponse)
    assert "CERTIFICATE_VERIFY_FAILED" in result.reason
    assert server.requests == []


def test_tunnel_that_was_cut_is_replaced(cleanup: ExitStack, server: FakeIntercom, proxy: HTTPProxy) -> None:
    gateway = make(cleanup, server, known(proxy))
    assert status_of(gateway.send(POST)) == 200
    (idle,) = gateway._pool._idle
    proxy.cut()
    wait_until(lambda: not idle.is_usable(), "the end of the connection to arrive")
    assert status_of(gateway.send(POST)) == 200


def test_proxy_that_is_not_there_is_no_response(cleanup: ExitStack, server: FakeIntercom) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        result = make(cleanup, server, Proxy("127.0.0.1", bound.getsockname()[1])).send(POST)
    assert isinstance(result, NoResponse)
    assert result.reason.startswith("ConnectionRefusedError")


# The sink as a whole.


@pytest.mark.parametrize("lower", [True, False])
def test_sink_takes_the_proxy_from_the_environment_and_shows_it_masked(
    queue: Queue, start_sink: StartSink, server: FakeIntercom, proxy: HTTPProxy, authority_file: str, lower: bool
) -> None:
    name = "HTTPS_PROXY" if is_tunnel(server) else "HTTP_PROXY"
    variables = {
        name.lower() if lower else name: f"http://ada:{PASSWORD}@127.0.0.1:{proxy.port}",
        "CJW_INTERCOM_API_URL": server.url,
        "CJW_INTERCOM_ALLOW_HTTP": "on",
        "SSL_CERT_FILE": authority_file,
    }
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", **variables)
    assert sink.wait() == 0, sink.stderr
    assert numbers(server) == [1, 2]
    assert sink.logs("starting")[0]["proxy"] == f"http://ada:***@127.0.0.1:{proxy.port}"
    checked = run_command("check", **queue.variables, **variables, CJW_INTERCOM_API_TOKEN=TOKEN)
    assert f"through the proxy http://ada:***@127.0.0.1:{proxy.port}" in checked.stdout
    assert "ok    intercom  GET /me: 200" in checked.stdout
    assert len(proxy.requests) == (2 if is_tunnel(server) else 3)
    bypassing = variables | {"NO_PROXY": "intercom.test", "CJW_INTERCOM_TIMEOUT": "2"}
    direct = run_command("check", **queue.variables, **bypassing, CJW_INTERCOM_API_TOKEN=TOKEN)
    assert "no response" in direct.stdout, "nobody else knows intercom.test"
    for output in (sink.stdout, sink.stderr, checked.stdout, checked.stderr, direct.stdout, direct.stderr):
        assert PASSWORD not in output
        assert base64.b64encode(f"ada:{PASSWORD}".encode()).decode() not in output
