"""Connections that are kept alive, over TCP and TLS: replaced if they were closed, and not used once they are old."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from intercom_sink import IntercomRequest, NoResponse, Response
from intercom_sink.adapters.intercom import connection_pool
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.secrets import FileSecret, FixedSecret
from intercom_sink.testing.intercom import FakeIntercom, after, close_early, error, reply
from testbed.raw_server import Behaviour, Peer, RawServer, respond, respond_and_close
from testbed.sink_process import TOKEN
from testbed.waiting import wait_until
from tests.support.durations import SLACK, takes_less_than
from tests.support.messages import message
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.tls import server_context

POST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
LARGE = IntercomRequest("POST", "/contacts", "x" * 4_000_000)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(params=["tcp", "tls"])
def tls(
    request: pytest.FixtureRequest, authority: trustme.CA, authority_file: str, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext | None:
    if request.param == "tcp":
        return None
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    return server_context(authority, "127.0.0.1")


@pytest.fixture
def server(tls: ssl.SSLContext | None) -> Iterator[RawServer]:
    with RawServer(tls) as running:
        yield running


@pytest.fixture
def gateway(server: RawServer) -> Iterator[HTTPGateway]:
    made = HTTPGateway(server.url, FixedSecret(TOKEN), user_agent="test/1", timeout=20, connections=8)
    yield made
    made.close()


def close(peer: Peer) -> None:
    peer.read_body()
    peer.close()


def reset(peer: Peer) -> None:
    peer.read_body()
    peer.close(reset=True)


def close_without_reading(peer: Peer) -> None:
    peer.close()


def close_after_a_while(peer: Peer) -> None:
    peer.read_body()
    peer.send(0.3)
    peer.close()


CLOSINGS = [close, reset, close_without_reading, close_after_a_while]


@pytest.mark.parametrize("request_2", [POST, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("behaviour", CLOSINGS)
def test_connection_that_was_closed_before_a_response_is_replaced(
    server: RawServer, gateway: HTTPGateway, behaviour: Behaviour, request_2: IntercomRequest
) -> None:
    server.script += [respond(OK), behaviour, respond(OK)]
    assert gateway.send(POST) == Response(200)
    assert gateway.send(request_2) == Response(200, resent=True), "Intercom may have had it"
    assert len(server.connections) == 3
    assert server.connections[0] == server.connections[1] != server.connections[2]


def test_repeat_with_a_reloaded_token_may_be_a_duplicate_too(server: RawServer, tmp_path: Path) -> None:
    """The first request may have reached Intercom, although the response to its repeat was a 401."""
    file = tmp_path / "token"
    file.write_text("old token")
    gateway = HTTPGateway(server.url, FileSecret(file), user_agent="test/1", timeout=20)

    def refuse_after_a_rotation(peer: Peer) -> None:
        file.write_text("new token")
        respond(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}")(peer)

    server.script += [respond(OK), close, refuse_after_a_rotation, respond(OK)]
    with closing(gateway):
        assert gateway.send(POST) == Response(200)
        assert gateway.send(POST) == Response(200, resent=True)


@pytest.mark.parametrize("behaviour", CLOSINGS)
def test_request_is_sent_again_once(server: RawServer, gateway: HTTPGateway, behaviour: Behaviour) -> None:
    server.script += [respond(OK), behaviour, behaviour, respond(OK)]
    gateway.send(POST)
    assert isinstance(gateway.send(POST), NoResponse)
    assert gateway.send(POST) == Response(200)
    assert len(server.connections) == 4


@pytest.mark.parametrize("behaviour", CLOSINGS)
def test_new_connection_that_is_closed_is_no_response(
    server: RawServer, gateway: HTTPGateway, behaviour: Behaviour
) -> None:
    server.script += [behaviour, respond(OK)]
    assert isinstance(gateway.send(POST), NoResponse)
    assert len(server.connections) == 1


@pytest.mark.parametrize("beginning", [b"H", b"HTTP/1.1 103 Early Hints\r\n\r\n", OK[:-1]])
def test_response_that_has_begun_is_not_asked_for_again(
    server: RawServer, gateway: HTTPGateway, beginning: bytes
) -> None:
    server.script += [respond(OK), respond_and_close(beginning), respond(OK)]
    gateway.send(POST)
    assert isinstance(gateway.send(POST), NoResponse)
    assert len(server.connections) == 2


def test_both_requests_share_the_deadline(server: RawServer, tls: ssl.SSLContext | None) -> None:
    gateway = HTTPGateway(server.url, FixedSecret(TOKEN), user_agent="test/1", timeout=1)

    def send_twice() -> None:
        server.script.extend([respond(OK), respond_and_close(0.6), respond(60.0)])
        assert gateway.send(POST) == Response(200)
        assert isinstance(gateway.send(POST), NoResponse)

    with closing(gateway):
        assert takes_less_than(1.5, send_twice)


@pytest.mark.parametrize("behaviour", [respond_and_close(OK), respond_and_close(OK, 0.05)])
def test_connection_that_is_known_to_be_closed_is_replaced_before_sending(
    server: RawServer, gateway: HTTPGateway, behaviour: Behaviour
) -> None:
    server.script += [behaviour, respond(OK)]
    gateway.send(POST)
    (idle,) = gateway._pool._idle
    wait_until(lambda: not idle.is_usable(), "the end of the connection to arrive")
    assert gateway.send(POST) == Response(200), "not sent twice"
    assert len(server.connections) == 2


def test_connection_that_was_idle_for_long_is_not_used_again(
    server: RawServer, gateway: HTTPGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script.append(respond(OK))
    assert [gateway.send(POST) for _ in range(2)] == [Response(200)] * 2
    monkeypatch.setattr(connection_pool, "MAX_IDLE", 0.0)
    assert gateway.send(POST) == Response(200)
    first, second, third = server.connections
    assert first == second != third


def test_all_connections_that_were_idle_for_long_are_closed(
    server: RawServer, gateway: HTTPGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ones used last are used first; so the others of a burst would stay open for ever."""
    all_have_come = threading.Barrier(4)

    def respond_to_all_at_once(peer: Peer) -> None:
        peer.read_body()
        all_have_come.wait()
        peer.send(OK)

    server.script += [respond_to_all_at_once] * 4 + [respond(OK)]
    threads = [threading.Thread(target=gateway.send, args=[POST]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(server.connections)) == 4
    monkeypatch.setattr(connection_pool, "MAX_IDLE", 0.0)
    gateway.send(POST)
    assert len(gateway._pool._idle) == 1


@pytest.mark.parametrize("chunk", [b"-1\r\n", b"-1\r\nx", b"x\r\n"])
def test_invalid_chunk_is_refused_at_once_on_an_open_connection(
    server: RawServer, gateway: HTTPGateway, chunk: bytes
) -> None:
    server.script.append(respond(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk))
    began = time.monotonic()
    assert isinstance(gateway.send(POST), NoResponse)
    assert time.monotonic() - began < SLACK


def test_same_length_twice_is_that_length(server: RawServer, gateway: HTTPGateway) -> None:
    server.script.append(respond(OK.replace(b": 2", b": 2, 2")))
    assert [gateway.send(POST) for _ in range(2)] == [Response(200)] * 2
    assert len(set(server.connections)) == 1


@pytest.mark.parametrize("tls", ["tls"], indirect=True)
def test_tls_session_tickets_are_no_response(server: RawServer, gateway: HTTPGateway) -> None:
    """TLS 1.3 sends them after the handshake, before or after the first response."""
    server.script.append(respond(OK))
    assert [gateway.send(POST) for _ in range(3)] == [Response(200)] * 3
    assert len(set(server.connections)) == 1


# The sink as a whole.


def test_closed_connection_is_no_failure_no_pause_and_no_line(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """Each response but the first comes over a new connection, since the server closes the one before."""
    intercom.script += [reply(200), close_early, reply(200), close_early, reply(200)]
    queue.publish(*(message(number) for number in range(3)))
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO")
    assert sink.wait() == 0, sink.stderr
    assert [line for line in sink.logs() if line["event"] in ("retry scheduled", "paused")] == []
    assert sink.logs("stopped")[0]["processed"] == {"delivered": 3}
    assert len(intercom.requests) == 5


def test_409_to_a_request_that_was_sent_twice_is_a_duplicate(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(200), close_early, error(409, "conflict"), after(0.1, error(409, "conflict"))]
    queue.publish(*(message(number) for number in range(3)))
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    assert sink.logs("stopped")[0]["processed"] == {"delivered": 1, "duplicate": 1, "rejected": 1}
    (duplicate,) = sink.logs("duplicate")
    assert duplicate["possible_duplicate"] is True
