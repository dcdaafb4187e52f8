"""An HTTP server in Intercom's place: every response takes a fixed time, and there may be a rate window.

    python -m benchmarks.server [--latency SECONDS] [--limit REQUESTS] [--warm-up COUNT] [--checkpoints COUNT,...]
                                [--certificate FILE]

Prints its port; then, whenever the number of 200 responses reaches a checkpoint, a line with the monotonic time; and
once its standard input ends, its statistics as one line of JSON.

With a rate window it is FakeIntercom. Without one the contender sets the pace, and the server shares the cores with it:
then it runs on httptools and uvloop, and makes a response once a second, which takes about 20 µs of CPU time for each
request in place of 150 µs or more.
"""

import argparse
import asyncio
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

import httptools
import uvloop

from intercom_sink.testing.intercom import FakeIntercom, ReceivedRequest, http1, reply
from intercom_sink.testing.intercom.rate_window import http_date

BODY = b'{"type":"contact","id":"6762f0cd1bb69f9f2193bb83","email":"ada@example.com"}'


@dataclass
class PathStatistics:
    """The 200 responses on one path. Times are of the monotonic clock, which all processes of a machine share.

    Attributes:
        count: how many were sent after the warm-up; negative during the warm-up.
        first_request_at: when the request of the first one arrived.
        warm_up_ended_at: when the last response of the warm-up was sent; without one, equal to `first_request_at`.
        last_response_at: when the last response was sent.
    """

    count: int
    first_request_at: float
    warm_up_ended_at: float
    last_response_at: float


class Statistics:
    """What is counted of the responses. Thread-safe.

    Args:
        warm_up: how many 200 responses on each path to leave out.
        checkpoints: the counts of 200 responses at which to print a line.

    Attributes:
        paths: the 200 responses on each path, without its query.
        arrivals: when the request first arrived whose query is this number.
    """

    def __init__(self, warm_up: int, checkpoints: Iterable[int]) -> None:
        self.paths: dict[str, PathStatistics] = {}
        self.arrivals: dict[int, float] = {}
        self._warm_up = warm_up
        self._count = 0
        self._checkpoints = sorted(checkpoints, reverse=True)
        self._lock = threading.Lock()

    def add(self, target: str, arrived_at: float, *, is_success: bool) -> None:
        """Counts a response: to the request for this path and query, which arrived then."""
        path, _, number = target.partition("?")
        with self._lock:
            if number:
                self.arrivals.setdefault(int(number), arrived_at)
            if is_success:
                self._add_success(path, arrived_at)

    def _add_success(self, path: str, arrived_at: float) -> None:
        now = time.monotonic()
        if path not in self.paths:
            self.paths[path] = PathStatistics(-self._warm_up, arrived_at, arrived_at, now)
        statistics = self.paths[path]
        statistics.count += 1
        statistics.last_response_at = now
        if statistics.count == 0:
            statistics.warm_up_ended_at = now
        self._count += 1
        if self._checkpoints and self._count == self._checkpoints[-1]:
            self._checkpoints.pop()
            print(now, flush=True)

    def report(self, max_in_flight: int, windows: dict[int, int], refused: int) -> None:
        """Prints all as one line of JSON.

        Args:
            max_in_flight: how many requests were open at the same time, at most.
            windows: how many requests each rate window admitted, by its beginning.
            refused: how many requests got a 429.
        """
        values = {
            "arrivals": self.arrivals,
            "paths": {path: asdict(statistics) for path, statistics in self.paths.items()},
            "refused": refused,
            "max_in_flight": max_in_flight,
            "windows": windows,
        }
        print(json.dumps(values), flush=True)


class FastServer:
    """The state that all connections of the fast server share.

    Args:
        statistics: where to count the responses.
        latency: seconds that each response takes.
    """

    def __init__(self, statistics: Statistics, latency: float) -> None:
        self.statistics = statistics
        self.latency = latency
        self.in_flight = 0
        self.max_in_flight = 0
        self._second = 0
        self._response = b""

    def response(self) -> bytes:
        """The bytes of a response."""
        second = int(time.time())
        if second != self._second:
            headers = {"Date": http_date(second), "Content-Type": "application/json", "Content-Length": str(len(BODY))}
            self._response = http1.response(200, headers, BODY, with_body=True)
            self._second = second
        return self._response


class Connection(asyncio.Protocol):
    """One kept-alive connection. Its client sends a request only after the response to the one before."""

    def __init__(self, server: FastServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._arrived_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods, but not its base class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._target = url

    def on_message_complete(self) -> None:
        self._arrived_at = time.monotonic()
        server = self._server
        server.in_flight += 1
        server.max_in_flight = max(server.max_in_flight, server.in_flight)
        if server.latency:
            self._loop.call_later(server.latency, self._respond)
        else:
            self._respond()

    def _respond(self) -> None:
        self._transport.write(self._server.response())
        self._server.in_flight -= 1
        self._server.statistics.add(self._target.decode(), self._arrived_at, is_success=True)


async def serve_fast(statistics: Statistics, latency: float, tls: ssl.SSLContext | None) -> None:
    """Serves any number of requests, until standard input ends."""
    server = FastServer(statistics, latency)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=512, ssl=tls)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    statistics.report(server.max_in_flight, {}, 0)


def serve_window(statistics: Statistics, latency: float, tls: ssl.SSLContext | None, limit: int) -> None:
    """Serves so many requests in each rate window, until standard input ends."""

    def add(request: ReceivedRequest) -> None:
        statistics.add(request.path, request.arrived_at, is_success=request.status == 200)

    with FakeIntercom(tls=tls, limit=limit, latency=latency, on_end=add) as fake:
        assert fake.window is not None
        fake.default = reply(200, body=BODY)
        print(fake.port, flush=True)
        sys.stdin.read()
        statistics.report(fake.max_in_flight, fake.window.admitted, fake.window.refused)


def main() -> None:
    """Serves as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.server", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each response takes (default 0)")
    parser.add_argument("--limit", type=int, help="requests that each rate window allows (default: no rate window)")
    parser.add_argument("--warm-up", type=int, default=0, help="responses on each path to leave out (default 0)")
    parser.add_argument(
        "--checkpoints",
        type=lambda text: [int(count) for count in text.split(",")],
        default=[],
        metavar="COUNT,...",
        help="counts of 200 responses at which to print a line",
    )
    parser.add_argument("--certificate", metavar="FILE", help="a certificate and its key: serves over TLS")
    arguments = parser.parse_args()
    statistics = Statistics(arguments.warm_up, arguments.checkpoints)
    tls = None
    if arguments.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(arguments.certificate)
    if arguments.limit:
        serve_window(statistics, arguments.latency, tls, arguments.limit)
    else:
        uvloop.run(serve_fast(statistics, arguments.latency, tls))


if __name__ == "__main__":
    main()
