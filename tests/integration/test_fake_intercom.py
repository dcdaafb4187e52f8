"""FakeIntercom over real sockets: what it sends, what it notes, and that it ends at once."""

import errno
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from intercom_sink import IntercomRequest, NoResponse, RateLimit, Response
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.secrets import FixedSecret
from intercom_sink.testing.intercom import (
    Behaviour,
    Exchange,
    FakeIntercom,
    RateWindow,
    ReceivedRequest,
    after,
    after_event,
    close_early,
    drip_body,
    endless,
    error,
    garbage,
    gateway_error,
    hang,
    interim,
    listener,
    rate_limited,
    raw,
    reply,
    reset,
    resource_limited,
    retry_after,
    truncated,
)
from tests.support.durations import SLACK, takes_less_than

ADA = {"email": "ada@example.com"}
CREATE = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})

Send: TypeAlias = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def fake() -> Iterator[FakeIntercom]:
    with FakeIntercom() as running:
        yield running


@pytest.fixture
def connection(fake: FakeIntercom) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=10)
    yield opened
    opened.close()


@pytest.fixture
def send(connection: http.client.HTTPConnection) -> Send:
    """Sends a request over the one connection; returns the response, whose body is read."""

    def send_request(method: str, path: str, data: object = None, **headers: str) -> http.client.HTTPResponse:
        connection.request(method, path, None if data is None else json.dumps(data), headers)
        response = connection.getresponse()
        response.document = response.read()  # type: ignore[attr-defined]
        return response

    return send_request


def document(response: http.client.HTTPResponse) -> Any:
    return json.loads(response.document)  # type: ignore[attr-defined]


def code(response: http.client.HTTPResponse) -> str:
    (only,) = document(response)["errors"]
    return str(only["code"])


def connect(fake: FakeIntercom) -> socket.socket:
    return socket.create_connection(("127.0.0.1", fake.port), timeout=10)


def exchange_raw(fake: FakeIntercom, data: bytes) -> bytes:
    """What comes back until the connection is closed."""
    with connect(fake) as client:
        client.sendall(data)
        return b"".join(iter(lambda: client.recv(65_536), b""))


# How a request is responded to.


def test_requests_are_noted_as_they_were_sent(fake: FakeIntercom, send: Send) -> None:
    send("POST", "/contacts?x=%20", ADA, Authorization="Bearer t")
    send("GET", "/me")
    first, second = fake.requests
    assert (first.number, first.method, first.path, first.data) == (1, "POST", "/contacts?x=%20", ADA)
    assert (first.header("authorization"), first.header("Cookie"), first.status) == ("Bearer t", None, 200)
    assert (second.number, second.method, second.path, second.data) == (2, "GET", "/me", None)
    assert first.client_port == second.client_port, "the connection is kept alive"
    assert first.arrived_at <= (first.ended_at or 0) <= second.arrived_at


def test_route_goes_before_script_and_script_before_the_rest(fake: FakeIntercom, send: Send) -> None:
    fake.token = "secret"
    fake.script += [reply(503), reply(202)]
    fake.on("GET", "/me", error(403), reply(204))
    paths = ["/me", "/x", "/me", "/me", "/x", "/x"]
    assert [send("GET", path).status for path in paths] == [403, 503, 204, 204, 202, 401]
    fake.on("GET", "/me")
    assert send("GET", "/me", Authorization="Bearer secret").status == 200


def test_workspace_responds_where_nothing_else_is_said(fake: FakeIntercom, send: Send) -> None:
    assert document(send("GET", "/me"))["type"] == "admin"
    created = document(send("POST", "/contacts", ADA))
    assert created["id"] in fake.workspace.contacts
    conflict = send("POST", "/contacts", ADA)
    assert (conflict.status, code(conflict)) == (409, "conflict")
    assert conflict.getheader("Content-Type") == "application/json"
    assert send("DELETE", f"/contacts/{created['id']}").status == 200
    assert send("DELETE", f"/contacts/{created['id']}").status == 404
    event = {"event_name": "ordered", "created_at": 1, "user_id": "1"}
    assert [send("POST", "/events", event).status for _ in range(2)] == [202, 202]
    assert fake.workspace.events == [event]


def test_lack_of_file_descriptors_does_not_end_it(
    send: Send, fake: FakeIntercom, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = socket.socket.accept
    failures = [OSError(errno.EMFILE, "Too many open files")]

    def fail_first(self: socket.socket) -> Any:
        if failures:
            raise failures.pop()
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", fail_first)
    assert send("GET", "/me").status == 200
    assert failures == []


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_url_names_loopback_where_it_listens_at_every_address(host: str) -> None:
    """The sink refuses any other host of a URL without TLS."""
    with FakeIntercom(host=host) as fake:
        assert fake.url == f"http://127.0.0.1:{fake.port}"


@pytest.mark.parametrize(("body", "reason"), [(b"email=ada", "Expecting value"), (b"[" * 200_000, "nested too deep")])
def test_body_that_is_not_json_is_refused(
    fake: FakeIntercom, connection: http.client.HTTPConnection, body: bytes, reason: str
) -> None:
    connection.request("POST", "/contacts", body)
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["errors"][0]["code"]) == (400, "parameter_invalid")
    with pytest.raises(ValueError, match=reason):
        _ = fake.requests[0].data


def test_wrong_token_is_refused_and_sees_no_rate_window(fake: FakeIntercom, send: Send) -> None:
    fake.token, fake.window = "secret", RateWindow(5)
    refused, accepted = (send("GET", "/me", Authorization=f"Bearer {token}") for token in ("wrong", "secret"))
    assert (refused.status, code(refused), refused.getheader("X-RateLimit-Limit")) == (401, "unauthorized", None)
    assert (accepted.status, accepted.getheader("X-RateLimit-Remaining")) == (200, "4")


def test_every_response_reports_the_rate_window_and_429_follows_the_last(fake: FakeIntercom, send: Send) -> None:
    fake.window = RateWindow(3, seconds=10**6)  # which does not end during the test
    fake.script.append(error(404))
    responses = [send("GET", "/me") for _ in range(4)]
    assert [response.status for response in responses] == [404, 200, 200, 429]
    assert [response.getheader("X-RateLimit-Remaining") for response in responses] == ["2", "1", "0", "0"]
    for response in responses:
        assert response.getheader("X-RateLimit-Limit") == "3"
        assert time.time() < int(response.getheader("X-RateLimit-Reset") or 0) <= time.time() + 10**6
    assert code(responses[3]) == "rate_limit_exceeded"
    assert fake.window.refused == 1


def test_limit_has_windows_of_10_s() -> None:
    with FakeIntercom(limit=167) as fake:
        assert fake.window is not None
        assert (fake.window.limit, fake.window.seconds) == (167, 10)


def test_latency_is_what_each_response_takes(fake: FakeIntercom, send: Send) -> None:
    fake.latency = 0.1
    began = time.monotonic()
    send("GET", "/me")
    assert 0.1 <= time.monotonic() - began < 0.1 + SLACK


def test_requests_from_many_threads_are_all_counted(fake: FakeIntercom) -> None:
    fake.default = after(0.002, reply(200))

    def send_some(_: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", fake.port)
        for _ in range(10):
            client.request("GET", "/")
            client.getresponse().read()
        client.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send_some, range(8)))
    assert sorted(request.number for request in fake.requests) == list(range(1, 81))
    assert 1 < fake.max_in_flight <= 8


# What a client reads: the values that InMemoryGateway is scripted with.


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (reply(202), Response(202)),
        (error(404), Response(404, request_id="req-1", error_codes=("not_found",))),
        (error(422, "data_invalid", request_id="x"), Response(422, request_id="x", error_codes=("data_invalid",))),
        (gateway_error(502), Response(502)),
        (interim(reply(200)), Response(200)),
        (interim(interim(error(409), 102)), Response(409, request_id="req-1", error_codes=("conflict",))),
    ],
)
def test_gateway_reads_the_response_that_was_scripted(
    fake: FakeIntercom, behaviour: Behaviour, expected: Response
) -> None:
    result = send_once(fake, behaviour)
    assert isinstance(result, Response)
    for name in ("status", "request_id", "error_codes"):
        assert getattr(result, name) == getattr(expected, name)


@pytest.mark.parametrize(
    ("behaviour", "expected", "error_code"),
    [
        (rate_limited(3), (167, 0, 3), "rate_limit_exceeded"),
        (rate_limited(3, limit=5, clock_offset=-1e6), (5, 0, 3), "rate_limit_exceeded"),
        (resource_limited(4, remaining=9), (167, 9, 4), "too_many_requests"),
    ],
)
def test_429_of_a_window_and_of_a_resource_differ_in_what_remains(
    fake: FakeIntercom, behaviour: Behaviour, expected: tuple[int, int, int], error_code: str
) -> None:
    result = send_once(fake, behaviour)
    assert isinstance(result, Response)
    limit = result.rate_limit
    assert isinstance(limit, RateLimit)
    assert limit.reset_at is not None
    assert limit.server_time is not None
    assert [limit.limit, limit.remaining, limit.reset_at - limit.server_time] == [*expected]
    assert (result.status, result.error_codes) == (429, (error_code,))


def test_429_with_retry_after_alone_reports_no_window(fake: FakeIntercom) -> None:
    fake.window = RateWindow(5)
    result = send_once(fake, retry_after(7))
    assert isinstance(result, Response)
    assert (result.rate_limit.retry_after, result.rate_limit.remaining, result.rate_limit.reset_at) == (7, None, None)


@pytest.mark.parametrize(
    "behaviour",
    [reset, close_early, truncated, garbage, hang, drip_body, raw(b"HTTP/1.1 103 Early Hints\r\n\r\n")],
    ids=["reset", "close_early", "truncated", "garbage", "hang", "drip_body", "interim response alone"],
)
def test_fault_is_no_response(fake: FakeIntercom, behaviour: Behaviour) -> None:
    assert isinstance(send_once(fake, behaviour), NoResponse)
    fake.wait_for(1)


def test_reset_reaches_the_client_while_its_behaviour_goes_on(fake: FakeIntercom) -> None:
    ended = threading.Event()

    def reset_and_wait(exchange: Exchange) -> None:
        exchange.reset()
        ended.wait(30)

    fake.script.append(reset_and_wait)
    try:
        with pytest.raises(ConnectionResetError):
            exchange_raw(fake, b"GET / HTTP/1.1\r\n\r\n")
    finally:
        ended.set()


def test_connection_is_not_used_again_after_raw_bytes_behind_a_response(fake: FakeIntercom) -> None:
    def respond_and_send_more(exchange: Exchange) -> None:
        exchange.send(200, body=b"{}")
        exchange.send_raw(b"extra")

    fake.script.append(respond_and_send_more)
    assert exchange_raw(fake, b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").endswith(b"{}extra")


def test_connection_that_was_reset_after_a_response_is_not_used_again(
    fake: FakeIntercom, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def respond_and_reset(exchange: Exchange) -> None:
        exchange.send(200)
        exchange.reset()

    fake.script.append(respond_and_reset)
    with pytest.raises(ConnectionResetError):
        exchange_raw(fake, b"GET / HTTP/1.1\r\n\r\n")
    fake.close()
    assert reported == []


def send_once(fake: FakeIntercom, behaviour: Behaviour) -> Response | NoResponse:
    fake.script.append(behaviour)
    gateway = HTTPGateway(fake.url, FixedSecret("token"), user_agent="test/1", timeout=0.3)
    try:
        return gateway.send(CREATE)
    finally:
        gateway.close()


# HTTP.


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"200 OK"),
        (b"\x16\x03\x01\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400 Bad Request"),
    ],
)
def test_connection_is_closed_where_http_says_so(fake: FakeIntercom, request_head: bytes, status: bytes) -> None:
    assert exchange_raw(fake, request_head).startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_connection_is_closed_if_the_response_says_so(fake: FakeIntercom) -> None:
    fake.script.append(reply(200, {"Connection": "close"}))
    assert exchange_raw(fake, b"GET / HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\n{}")


def test_client_that_waits_for_100_gets_it(fake: FakeIntercom) -> None:
    head = b"POST /contacts HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = exchange_raw(fake, head + b"2\r\n{}\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert fake.requests[0].data == {}


def test_request_that_ends_early_was_not_received(fake: FakeIntercom, send: Send) -> None:
    with connect(fake) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n{}")
    send("GET", "/me")
    assert [request.path for request in fake.requests] == ["/me"]


def test_head_request_and_204_have_no_body(fake: FakeIntercom, send: Send) -> None:
    fake.script += [reply(200), reply(204), reply(200)]
    responses = [send("HEAD", "/"), send("GET", "/"), send("GET", "/")]
    assert [response.getheader("Content-Length") for response in responses] == ["2", None, "2"]


# Start, waiting and end.


def test_wait_for_returns_once_enough_have_come(fake: FakeIntercom, send: Send) -> None:
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(fake.wait_for, 2)
        send("GET", "/1")
        send("GET", "/2")
        assert [request.path for request in waiting.result(10)] == ["/1", "/2"]


def test_wait_for_names_what_came_instead(fake: FakeIntercom, send: Send) -> None:
    send("GET", "/me")
    with pytest.raises(TimeoutError, match=r"1 of 2 requests within 0.01 s.*\nGET /me\nthe log"):
        fake.wait_for(2, timeout=0.01, explain=lambda: "the log")


@pytest.mark.parametrize(
    "behaviour", [hang, drip_body, endless, after(99, reply(200)), after_event(threading.Event(), hang)]
)
def test_close_ends_every_behaviour_at_once(behaviour: Behaviour) -> None:
    before = threading.active_count()
    request = b"GET / HTTP/1.1\r\n\r\n"
    with FakeIntercom() as fake, connect(fake) as idle, connect(fake) as client:
        idle.sendall(request)
        idle.recv(1000)
        fake.default = behaviour
        client.sendall(request)
        fake.wait_for(2)
        began = time.monotonic()
        fake.close()
        assert time.monotonic() - began < SLACK
        assert threading.active_count() == before
        assert idle.recv(1) == b""


def test_close_waits_once_for_all_behaviours_that_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_JOIN", 0.1)
    ended = threading.Event()

    def go_on(exchange: Exchange) -> None:
        ended.wait(30)

    def start_and_close() -> None:
        with ExitStack() as clients, FakeIntercom() as fake:
            fake.default = go_on
            for _ in range(10):
                clients.enter_context(connect(fake)).sendall(b"GET / HTTP/1.1\r\n\r\n")
            fake.wait_for(10)

    try:
        assert takes_less_than(1.0, start_and_close)
    finally:
        ended.set()


def test_event_lets_a_response_go(fake: FakeIntercom, send: Send) -> None:
    event = threading.Event()
    fake.default = after_event(event, reply(200))
    threading.Timer(0.05, event.set).start()
    assert send("GET", "/me").status == 200


def test_closed_fake_keeps_its_requests_and_can_start_again() -> None:
    fake = FakeIntercom()
    for _ in range(2):
        fake.start()
        assert exchange_raw(fake, b"GET / HTTP/1.0\r\n\r\n")
        fake.close()
        fake.close()
    assert [request.number for request in fake.requests] == [1, 2]


def test_port_in_use_is_an_error(fake: FakeIntercom) -> None:
    with pytest.raises(OSError, match="in use"):
        FakeIntercom(port=fake.port).start()


def test_each_request_is_reported_once_with_its_status() -> None:
    ended: list[tuple[str, int | None]] = []

    def note(request: ReceivedRequest) -> None:
        ended.append((request.path, request.status))

    with FakeIntercom(on_end=note) as fake:
        fake.script += [reply(202), raw(b"x"), close_early]
        for number in range(3):
            exchange_raw(fake, b"GET /%d HTTP/1.0\r\n\r\n" % number)
    assert ended == [("/0", 202), ("/1", None), ("/2", None)]


def test_bug_in_a_behaviour_closes_the_connection_and_is_reported(
    fake: FakeIntercom, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def fail(exchange: Exchange) -> None:
        raise FileNotFoundError("a bug")

    fake.script.append(fail)
    assert exchange_raw(fake, b"GET / HTTP/1.1\r\n\r\n") == b""
    fake.close()
    assert [str(error) for error in reported] == ["a bug"]
    assert fake.requests[0].ended_at is not None
