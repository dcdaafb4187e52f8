"""The exchange of one request for its response, on real sockets, over TCP and over TLS.

A server that sends scripted bytes; the gateway alone on the other side. Nothing here knows how the exchange is made.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest
import trustme

from intercom_sink import IntercomRequest, NoResponse, Response
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.secrets import FixedSecret
from testbed.raw_server import Behaviour, Peer, RawServer, respond, respond_and_close
from testbed.sink_process import TOKEN
from testbed.waiting import wait_until
from tests.support.durations import SLACK
from tests.support.tls import server_context

GET = IntercomRequest("GET", "/me")
HEAD = IntercomRequest("HEAD", "/me")
POST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
LARGE = IntercomRequest("POST", "/contacts", "x" * 8_000_000)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 2\r\n\r\n{}"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}"

StartServer: TypeAlias = Callable[..., RawServer]
MakeGateway: TypeAlias = Callable[..., HTTPGateway]


@pytest.fixture(params=["tcp", "tls"])
def tls(request: pytest.FixtureRequest, authority: trustme.CA) -> ssl.SSLContext | None:
    return server_context(authority, "127.0.0.1", "intercom.test") if request.param == "tls" else None


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_server(tls: ssl.SSLContext | None, cleanup: ExitStack) -> StartServer:
    def start(*script: Behaviour, receive_buffer: int | None = None) -> RawServer:
        server = RawServer(tls, receive_buffer)
        server.script += script
        return cleanup.enter_context(server)

    return start


@pytest.fixture
def make_gateway(
    cleanup: ExitStack, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> MakeGateway:
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    def make(url: str, timeout: float = 20, **options: Any) -> HTTPGateway:
        gateway = HTTPGateway(url, FixedSecret(TOKEN), user_agent="test/1", timeout=timeout, **options)
        cleanup.callback(gateway.close)
        return gateway

    return make


def status_of(result: Response | NoResponse) -> int | None:
    return result.status if isinstance(result, Response) else None


# Which response belongs to which request.


@pytest.mark.parametrize(
    "interim",
    [
        [b"HTTP/1.1 100 Continue\r\n\r\n"],
        [b"HTTP/1.1 102 Processing\r\n\r\n"],
        [EARLY_HINTS],
        [EARLY_HINTS[:20], 0.1, EARLY_HINTS[20:]],
        [b"HTTP/1.1 199 Unknown\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", EARLY_HINTS, 0.1, EARLY_HINTS],
    ],
)
def test_interim_responses_are_skipped_and_the_final_one_counts(
    start_server: StartServer, make_gateway: MakeGateway, interim: list[bytes | float]
) -> None:
    """Message 1 gets a 103, and 0.3 s later its 200. Message 2 is refused, and must not be acked by that 200."""
    server = start_server(respond(*interim, 0.3, OK), respond(REFUSED))
    gateway = make_gateway(server.url)
    assert [status_of(gateway.send(request)) for request in (POST, POST)] == [200, 422]
    assert len(set(server.connections)) == 1, "the connection can be used again"


@pytest.mark.parametrize("interim", [[EARLY_HINTS], [EARLY_HINTS, b"HTTP/1.1 103"]])
def test_interim_response_without_a_final_one_is_none(
    start_server: StartServer, make_gateway: MakeGateway, interim: list[bytes]
) -> None:
    server = start_server(respond_and_close(*interim), respond(REFUSED))
    gateway = make_gateway(server.url)
    assert [status_of(gateway.send(request)) for request in (POST, POST)] == [None, 422]


def test_endless_interim_responses_are_no_response(start_server: StartServer, make_gateway: MakeGateway) -> None:
    def behave(peer: Peer) -> None:
        while True:
            peer.send(EARLY_HINTS.replace(b"preload", b"preload" * 5000))

    server = start_server(behave, respond(REFUSED))
    gateway = make_gateway(server.url, timeout=30)
    result = gateway.send(POST)
    assert isinstance(result, NoResponse)
    assert "bytes" in result.reason, "they are bounded like one response"
    assert status_of(gateway.send(POST)) == 422


def test_switching_protocols_is_a_response_that_ends_its_connection(
    start_server: StartServer, make_gateway: MakeGateway
) -> None:
    """RFC 9110, 15.2.2: what follows a 101 is no HTTP, so nothing on that connection is a response."""
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    server = start_server(respond(switched, 0.3, OK), respond(REFUSED))
    gateway = make_gateway(server.url)
    assert [status_of(gateway.send(request)) for request in (POST, POST)] == [101, 422]
    assert len(set(server.connections)) == 2


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
TWO_ENDS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"

LEFTOVERS: dict[str, tuple[IntercomRequest, list[bytes | float], int | None]] = {
    "bytes after the body": (POST, [OK + b"x"], 200),
    "an empty line after the body": (POST, [OK + b"\r\n"], 200),
    "a second response": (POST, [OK + OK], 200),
    "a second response, cut": (POST, [OK + OK[:30], 0.1, OK[30:]], 200),
    "a second response, a little later": (POST, [OK, 0.1, OK], 200),
    "a second response after chunks": (POST, [CHUNKED + OK], 200),
    "a second response after no content": (POST, [NO_CONTENT + OK], 204),
    "a second response to HEAD": (HEAD, [OK[:-2] + OK], 200),
    "a body after no content": (POST, [NO_CONTENT + b"{}"], 204),
    "a body after HEAD": (HEAD, [OK], 200),
    "a body after HEAD, a little later": (HEAD, [OK[:-2], 0.1, OK[-2:]], 200),
    "chunks after not modified": (GET, [CHUNKED.replace(b"200 OK", b"304 Not Modified")], 304),
    "a response after a close": (POST, [CLOSE + OK], 200),
    "a body that is longer than what is read of it": (POST, [LONG + OK], 200),
    "a body of which the rest has not come yet": (POST, [LONG[: len(LONG) - 3_000_000 + 2**20]], 200),
    "two ways to find the end": (POST, [TWO_ENDS], 200),
    "an encoding of which nothing is known": (POST, [CHUNKED.replace(b"chunked\r\n", b"gzip, chunked\r\n")], 200),
    "a body that is longer than its length": (POST, [OK.replace(b": 2", b": 0"), 0.1, OK], 200),
    "an invalid response": (POST, [b"HTTP/1.1 20 OK\r\n\r\n" + OK], None),
    "an invalid chunk": (POST, [CHUNKED.replace(b"0\r\n\r\n", b"zz\r\n") + OK], None),
}


@pytest.mark.parametrize(("request_1", "steps", "status"), LEFTOVERS.values(), ids=LEFTOVERS)
def test_what_follows_a_response_is_never_taken_for_the_next_one(
    start_server: StartServer,
    make_gateway: MakeGateway,
    request_1: IntercomRequest,
    steps: list[bytes | float],
    status: int | None,
) -> None:
    """Message 2 is refused; whatever is left over on the connection of message 1 says that it was taken.

    That connection must not be reused, so it must be closed. What is left over has arrived before message 2 is sent: a
    client can't tell a stray response that arrives later from the right one.
    """
    server = start_server(respond(*steps), respond(REFUSED))
    gateway = make_gateway(server.url)
    assert status_of(gateway.send(request_1)) == status
    if 0.1 in steps:
        wait_until(lambda: server.responded == 1, "the rest to arrive")
    assert status_of(gateway.send(POST)) == 422
    assert len(set(server.connections)) == 2


def test_response_that_comes_after_the_timeout_is_read_by_nobody(
    start_server: StartServer, make_gateway: MakeGateway
) -> None:
    has_come, was_sent = threading.Event(), threading.Event()

    def respond_late(peer: Peer) -> None:
        peer.read_body()
        has_come.wait()
        peer.send(OK)
        was_sent.set()

    def refuse_after_that(peer: Peer) -> None:
        peer.read_body()
        has_come.set()
        was_sent.wait()
        peer.send(REFUSED)

    server = start_server(respond_late, refuse_after_that)
    gateway = make_gateway(server.url, timeout=2)
    assert [status_of(gateway.send(POST)) for _ in range(2)] == [None, 422]


@pytest.mark.parametrize(
    ("request_1", "response"),
    [
        (POST, OK),
        (POST, CHUNKED),
        (POST, CHUNKED.replace(b"0\r\n\r\n", b"0\r\nX-Trailer: 1\r\n\r\n")),
        (POST, NO_CONTENT),
        (POST, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (HEAD, OK[:-2]),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n"),
    ],
)
def test_connection_is_kept_alive_after_a_whole_response(
    start_server: StartServer, make_gateway: MakeGateway, request_1: IntercomRequest, response: bytes
) -> None:
    server = start_server(respond(response), respond(REFUSED))
    gateway = make_gateway(server.url)
    assert isinstance(gateway.send(request_1), Response)
    assert status_of(gateway.send(POST)) == 422
    assert len(set(server.connections)) == 1


def misbehave(peer: Peer) -> None:
    """Refuses a request, naming it, and does to the connection what its number says."""
    peer.read_body()
    name = peer.head.split()[1]
    body = b'{"request_id": "%b"}' % name
    whole = b"HTTP/1.1 422 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    steps: list[list[bytes | float]] = [
        [whole],
        [EARLY_HINTS, 0.02, whole],
        [whole + whole],
        [whole + whole[:25]],
        [whole[:-3], 0.02, whole[-3:] + whole],
        [b"HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)],
        [whole[:30], 0.02, whole[30:]],
        [whole[:-5]],
        [b"HTTP/1.1 422 No\r\nConnection: close\r\n\r\n" + body],
    ]
    kind = int(name.rpartition(b"/")[2]) % len(steps)
    peer.send(*steps[kind])
    if kind >= len(steps) - 2:
        peer.close()


def test_each_of_many_requests_gets_its_own_response(start_server: StartServer, make_gateway: MakeGateway) -> None:
    """Eight threads share the connections, and the server leaves something over on every second one."""
    server = start_server(misbehave)
    gateway = make_gateway(server.url, connections=8)

    def send(number: int) -> str | None:
        result = gateway.send(IntercomRequest("POST", f"/{number}", {}))
        return result.request_id if isinstance(result, Response) else None

    with ThreadPoolExecutor(8) as threads:
        received = list(threads.map(send, range(450)))
    assert {number: id_ for number, id_ in enumerate(received) if id_ not in (f"/{number}", None)} == {}
    assert received.count(None) == 50, "those that are cut, and no other"
    assert len(set(server.connections)) < 400, "and connections are used again"


# Responses without a body.

FRAMINGS = [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 100\r\n", b"transfer-encoding: gzip, Chunked\r\n"]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize(
    ("request_1", "line", "status"),
    [
        (POST, b"HTTP/1.1 204 No Content\r\n", 204),
        (POST, b"HTTP/1.1 304 Not Modified\r\n", 304),
        (HEAD, b"HTTP/1.1 200 OK\r\n", 200),
        (HEAD, b"HTTP/1.1 404 Not Found\r\n", 404),
    ],
)
def test_no_body_is_read_where_there_can_be_none(
    start_server: StartServer,
    make_gateway: MakeGateway,
    request_1: IntercomRequest,
    line: bytes,
    status: int,
    framing: bytes,
) -> None:
    """RFC 9112, 6.3, rule 1: whatever the head says."""
    server = start_server(respond(line + framing + b"\r\n"), respond(REFUSED))
    gateway = make_gateway(server.url)
    assert status_of(gateway.send(request_1)) == status
    assert status_of(gateway.send(POST)) == 422


# A response that comes before the request was sent whole.


def refuse_and_close(peer: Peer) -> None:
    peer.send(TOO_LARGE)
    peer.close()


def refuse_and_reset(peer: Peer) -> None:
    peer.send(TOO_LARGE, 0.2)
    peer.close(reset=True)


def refuse_and_read_no_further(peer: Peer) -> None:
    peer.send(TOO_LARGE)
    peer.closing.wait()


def refuse_late_in_pieces(peer: Peer) -> None:
    peer.send(0.2, TOO_LARGE[:5], 0.1, TOO_LARGE[5:])
    peer.closing.wait()


def refuse_after_interim_responses(peer: Peer) -> None:
    peer.send(0.2, EARLY_HINTS, EARLY_HINTS[:30], 0.1, EARLY_HINTS[30:] + TOO_LARGE[:3], 0.1, TOO_LARGE[3:])
    peer.closing.wait()


def refuse_and_read_on(peer: Peer) -> None:
    peer.send(TOO_LARGE)
    peer.read_body()


@pytest.mark.parametrize(
    "behaviour",
    [
        refuse_and_close,
        refuse_and_reset,
        refuse_and_read_no_further,
        refuse_late_in_pieces,
        refuse_after_interim_responses,
        refuse_and_read_on,
    ],
)
def test_response_before_the_request_was_sent_whole_counts(
    start_server: StartServer, make_gateway: MakeGateway, behaviour: Behaviour
) -> None:
    server = start_server(behaviour, respond(REFUSED), receive_buffer=4096)
    gateway = make_gateway(server.url)
    assert gateway.send(LARGE) == Response(413)
    assert status_of(gateway.send(POST)) == 422


def test_interim_response_does_not_end_the_request(start_server: StartServer, make_gateway: MakeGateway) -> None:
    sizes: list[int] = []

    def behave(peer: Peer) -> None:
        peer.send(EARLY_HINTS, 0.2, b"HTTP/1.1 100 Continue\r\n\r\n")
        sizes.append(peer.read_body())
        peer.send(OK)

    server = start_server(behave, receive_buffer=4096)
    assert make_gateway(server.url, timeout=20).send(LARGE) == Response(200)
    assert sizes == [8_000_002]


def test_server_that_takes_no_request_and_says_nothing_costs_the_timeout(
    start_server: StartServer, make_gateway: MakeGateway
) -> None:
    server = start_server(lambda peer: peer.send(60), receive_buffer=4096)
    began = time.monotonic()
    assert isinstance(make_gateway(server.url, timeout=0.7).send(LARGE), NoResponse)
    assert 0.6 < time.monotonic() - began < 0.7 + SLACK


def test_end_of_the_connection_while_sending_is_no_response(
    start_server: StartServer, make_gateway: MakeGateway
) -> None:
    """The server ends its side, and reads no further; no need to wait for the timeout."""

    def behave(peer: Peer) -> None:
        peer.connection.shutdown(socket.SHUT_WR)
        peer.closing.wait()

    server = start_server(behave, respond(REFUSED), receive_buffer=4096)
    gateway = make_gateway(server.url, timeout=30)
    began = time.monotonic()
    assert [status_of(gateway.send(request)) for request in (LARGE, POST)] == [None, 422]
    assert time.monotonic() - began < 10


# Whitespace around a header's value.


@pytest.mark.parametrize("value", [b"%b ", b"%b\t", b" %b \t ", b"\t%b"])
def test_whitespace_around_the_values_of_headers_is_no_part_of_them(
    start_server: StartServer, make_gateway: MakeGateway, value: bytes
) -> None:
    """RFC 9110, 5.5. Those that say where the response ends are read so, too."""
    head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After:%b\r\nX-RateLimit-Limit:%b\r\nX-RateLimit-Remaining:%b\r\n"
    values = [value % text for text in (b"3", b"1666", b"0", b"chunked")]
    server = start_server(
        respond((head + b"Transfer-Encoding:%b\r\n\r\n2\r\n{}\r\n0\r\n\r\n") % tuple(values)),
        respond(
            (b"HTTP/1.1 422 No\r\nContent-Length:%b\r\nConnection:%b\r\n\r\n{}") % (value % b"2", value % b"close")
        ),
        respond(OK),
    )
    gateway = make_gateway(server.url)
    result = gateway.send(POST)
    assert isinstance(result, Response)
    assert (result.rate_limit.retry_after, result.rate_limit.limit, result.rate_limit.remaining) == (3, 1666, 0)
    assert [status_of(gateway.send(POST)) for _ in range(2)] == [422, 200]
    assert server.connections[1] != server.connections[2], "close"


# Several addresses.


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """A port that takes no connection: the kernel drops the requests for one."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(20):
            client = stack.enter_context(socket.socket())
            client.settimeout(0.5)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            raise AssertionError("the backlog takes any number of connections")
        yield listener.getsockname()[1]


@pytest.fixture
def silent(start_server: StartServer) -> Iterator[int]:
    """A port that takes connections, and then says nothing: no TLS handshake is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


Address: TypeAlias = tuple[int, int, int, str, tuple[str, int]]


def address(port: int, family: int = socket.AF_INET) -> Address:
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: Address) -> str:
    """A base URL, without its scheme, whose host has these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        return [*addresses] if host in ("intercom.test", b"intercom.test") else real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "://intercom.test:1"


def scheme(server: RawServer) -> str:
    return server.url.partition(":")[0]


def test_address_that_takes_no_connection_costs_three_seconds(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, full_backlog: int
) -> None:
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, address(full_backlog), address(server.port))
    began = time.monotonic()
    assert make_gateway(url, timeout=30).send(POST) == Response(200)
    assert 2.5 < time.monotonic() - began < 3 + SLACK


def test_addresses_share_the_time_where_there_is_little(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, full_backlog: int
) -> None:
    """With a timeout of 6 s none of three gets 3 s: the last one would never be tried."""
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, *[address(full_backlog)] * 2, address(server.port))
    assert make_gateway(url, timeout=6).send(POST) == Response(200)


@pytest.mark.parametrize("family", [socket.AF_APPLETALK, 9999])
def test_address_of_a_family_without_sockets_is_passed_over(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, family: int
) -> None:
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, address(1, family), address(server.port))
    assert make_gateway(url).send(POST) == Response(200)


def test_address_that_refuses_is_passed_over(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, refusing: int
) -> None:
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, address(refusing), address(server.port))
    assert make_gateway(url).send(POST) == Response(200)


@pytest.mark.parametrize("tls", ["tls"], indirect=True)
def test_address_that_never_answers_the_tls_handshake_is_passed_over(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, silent: int
) -> None:
    """No request was sent there, so none can be sent twice."""
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, address(silent), address(server.port))
    assert make_gateway(url, timeout=8).send(POST) == Response(200)


def test_attempt_ends_where_no_address_takes_a_connection(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, full_backlog: int
) -> None:
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, address(full_backlog), address(full_backlog))
    began = time.monotonic()
    assert isinstance(make_gateway(url, timeout=0.9).send(POST), NoResponse)
    assert 0.8 < time.monotonic() - began < 0.9 + SLACK, "3 s for each address would be 6 s"


def test_only_address_of_a_host_gets_all_the_time(
    start_server: StartServer, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, full_backlog: int
) -> None:
    server = start_server(respond(OK))
    url = scheme(server) + resolve(monkeypatch, address(full_backlog))
    began = time.monotonic()
    assert isinstance(make_gateway(url, timeout=4).send(POST), NoResponse)
    assert 3.8 < time.monotonic() - began < 4 + SLACK
