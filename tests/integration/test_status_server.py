"""The HTTP server under bad clients: it answers the others, prints nothing and tells nothing."""

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from socketserver import TCPServer

import pytest

from intercom_sink import OperatorError
from intercom_sink.adapters.monitors.web import server as http_server
from intercom_sink.adapters.monitors.web.server import MAX_CONNECTIONS, MAX_HEAD, ReadOnlyServer, Reply
from testbed.waiting import wait_until
from tests.support.status_http import get

SECRET = "s3cr3t-marker"
BIG = 20_000_000
"""Bytes that no socket's buffer holds."""


def fail() -> Reply:
    raise RuntimeError(SECRET)


ROUTES = {
    "/ok": lambda: Reply(b"ok\n", headers={"X-Extra": "1"}),
    "/bad": lambda: Reply(b"bad\n", status=503),
    "/fail": fail,
    "/big": lambda: Reply(bytes(BIG)),
}


@pytest.fixture
def server() -> Iterator[ReadOnlyServer]:
    running = ReadOnlyServer("127.0.0.1", 0, ROUTES)
    yield running
    running.close()


def raw(port: int, request: bytes) -> bytes:
    """Everything that is sent back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65_536):
            answer += data
        return answer


def server_threads() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def test_replies_are_those_of_the_routes(server: ReadOnlyServer) -> None:
    reply = get(server.port, "/ok?query=ignored")
    assert (reply.status, reply.text, reply.headers["X-Extra"]) == (200, "ok\n", "1")
    assert get(server.port, "/bad").status == 503
    head = get(server.port, "/ok", method="HEAD")
    assert (head.status, head.text, head.headers["Content-Length"]) == (200, "", "3")


def test_headers_tell_nothing_of_python_and_forbid_caching(server: ReadOnlyServer) -> None:
    headers = get(server.port, "/ok").headers
    assert headers["Server"].strip() == "intercom-sink"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_only_reading_is_allowed(server: ReadOnlyServer, method: str) -> None:
    reply = get(server.port, "/ok", method=method)
    assert (reply.status, reply.text, reply.headers["Allow"]) == (405, "405 Method Not Allowed\n", "GET, HEAD")


def test_unknown_path_is_not_found_and_not_repeated(server: ReadOnlyServer) -> None:
    reply = get(server.port, f"/{SECRET}")
    assert (reply.status, reply.text) == (404, "404 Not Found\n")


def test_bug_is_one_log_line_without_its_text_or_a_stack_trace(
    server: ReadOnlyServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    reply = get(server.port, f"/fail?{SECRET}")
    assert (reply.status, reply.text) == (500, "500 Internal Server Error\n")
    (record,) = caplog.records
    assert (record.levelname, record.message, record.exc_info) == ("ERROR", "request failed", None)
    assert (vars(record)["path"], vars(record)["reason"]) == ("/fail", "RuntimeError")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\r\n\r\n",
        b"\x00\xff\x13 not HTTP\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /ok HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"GET /ok HTTP/1.1\r\nContent-Length: 5",
    ],
    ids=["nothing", "empty lines", "garbage", "TLS", "version", "header", "long path", "many headers", "cut off"],
)
def test_bad_request_is_answered_or_closed_and_the_next_is_served(
    server: ReadOnlyServer, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        answer = raw(server.port, request_bytes)
    except OSError as error:
        if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
            raise
        answer = b""  # the server has closed the connection before it was sent the whole request
    assert b"Traceback" not in answer
    assert b"Python" not in answer
    assert get(server.port, "/ok").text == "ok\n"
    assert capfd.readouterr() == ("", "")


def test_head_is_bounded_in_all(server: ReadOnlyServer) -> None:
    """Each of its hundred headers could have 64 KiB otherwise."""
    header = b"X: " + b"y" * 1000 + b"\r\n"
    assert raw(server.port, b"GET /ok HTTP/1.1\r\n" + header * 15 + b"\r\n").startswith(b"HTTP/1.0 200 ")
    head = b"GET /ok HTTP/1.1\r\n" + header * 16
    too_long = head + b"X: " + b"y" * (MAX_HEAD + 1 - len(head) - 3)  # read to its last byte, so that no reset follows
    assert raw(server.port, too_long).startswith(b"HTTP/1.0 431 ")


def test_process_without_file_descriptors_does_not_spin_and_serves_later(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []

    def fail(_: TCPServer) -> None:
        calls.append(time.monotonic())
        raise OSError(errno.EMFILE, "Too many open files")

    server = ReadOnlyServer("127.0.0.1", 0, ROUTES)
    with monkeypatch.context() as patched:
        patched.setattr(TCPServer, "get_request", fail)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30):
            wait_until(lambda: len(calls) > 1, "the second accept")
    assert calls[1] - calls[0] > 0.9 * http_server.POLL_INTERVAL
    assert get(server.port, "/ok").text == "ok\n"
    server.close()


def test_two_hundred_silent_connections_keep_nobody_out(server: ReadOnlyServer) -> None:
    with ExitStack() as open_connections:
        for _ in range(200):
            open_connections.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        assert get(server.port, "/ok").text == "ok\n"
        wait_until(lambda: server_threads() <= MAX_CONNECTIONS, "the threads of the oldest to end", timeout=30)
        assert get(server.port, "/ok").text == "ok\n"


def test_slow_readers_and_slow_senders_are_closed(server: ReadOnlyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_SECONDS", 0.1)
    with ExitStack() as clients:
        for beginning in (b"GET /big HTTP/1.1\r\n\r\n", b"GET /o"):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            client.sendall(beginning)
        assert get(server.port, "/ok").text == "ok\n"
        wait_until(lambda: server_threads() == 0, "both connections to be closed", timeout=30)


def test_close_ends_every_connection_and_frees_the_port() -> None:
    server = ReadOnlyServer("127.0.0.1", 0, ROUTES)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        wait_until(lambda: server_threads() == 1, "the connection")
        server.close()
        assert client.recv(1) == b""
    ReadOnlyServer("127.0.0.1", server.port, ROUTES).close()


def test_address_in_use_is_one_line_that_names_it(server: ReadOnlyServer) -> None:
    with pytest.raises(OperatorError, match=rf"^can't listen on 127.0.0.1:{server.port}: Address alr"):
        ReadOnlyServer("127.0.0.1", server.port, ROUTES)


def test_unknown_host_is_one_line_that_names_it() -> None:
    with pytest.raises(OperatorError, match=r"^can't listen on 192\.0\.2\.1:9464: "):
        ReadOnlyServer("192.0.2.1", 9464, ROUTES)


def test_ipv6_is_served_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        server = ReadOnlyServer("::1", 0, ROUTES)
    except OperatorError:
        pytest.skip("no IPv6 here")
    with socket.create_connection(("::1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /ok HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 200")
    server.close()
