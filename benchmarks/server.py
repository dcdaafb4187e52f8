"""A fast HTTP server in Intercom's place: every response takes a fixed time, and there may be a rate window.

    python -m benchmarks.server [--latency SECONDS] [--limit REQUESTS] [--warm-up COUNT] [--checkpoints COUNT,...]
                                [--certificate FILE]

Prints its port; then, whenever the number of 200 responses reaches a checkpoint, a line with the monotonic time; and
once its standard input ends, its statistics as one line of JSON. It shares the cores with what is measured, so it runs
on httptools and uvloop, and makes a response once a second: about 20 µs of CPU time for each request, where
FakeIntercom takes 75 µs or more. The rate window, the error list and the heads of responses are those of FakeIntercom.
"""

import argparse
import asyncio
import json
import ssl
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

import httptools
import uvloop

from intercom_sink.testing.intercom import http1
from intercom_sink.testing.intercom.rate_window import RateWindow, http_date
from intercom_sink.testing.intercom.responses import error_list

BODY = b'{"type":"contact","id":"6762f0cd1bb69f9f2193bb83","email":"ada@example.com"}'
TOO_MANY_REQUESTS = error_list("rate_limit_exceeded", "Exceeded rate limit", "req-1")


@dataclass
class PathStatistics:
    """The 200 responses on one path. Times are of the monotonic clock, which all processes of a machine share.

    Attributes:
        count: how many were sent after the warm-up; negative during the warm-up.
        first_request_at: when the first request arrived.
        warm_up_ended_at: when the last response of the warm-up was sent; without one, equal to `first_request_at`.
        last_response_at: when the last response was sent.
    """

    count: int
    first_request_at: float
    warm_up_ended_at: float
    last_response_at: float


class Server:
    """The state that all connections share.

    Args:
        latency: seconds that each response takes.
        window: the rate window; None allows any number of requests.
        warm_up: how many 200 responses on each path to leave out of its statistics.
        checkpoints: the counts of 200 responses at which to print a line.

    Attributes:
        paths: what was counted on each path, without its query.
        arrivals: when the request arrived whose query is this number.
    """

    def __init__(self, latency: float, window: RateWindow | None, warm_up: int, checkpoints: Iterable[int]) -> None:
        self.latency = latency
        self.window = window
        self.paths: dict[bytes, PathStatistics] = {}
        self.arrivals: dict[int, float] = {}
        self._second = 0
        self._response = b""
        self._warm_up = warm_up
        self._count = 0
        self._checkpoints = sorted(checkpoints, reverse=True)
        self._in_flight = 0
        self._max_in_flight = 0

    def start(self, path: bytes, number: bytes, arrived_at: float) -> tuple[bool, bytes]:
        """Counts a request that has arrived; returns whether it is admitted, and the response to send."""
        self._in_flight += 1
        if self._in_flight > self._max_in_flight:
            self._max_in_flight = self._in_flight
        if number:
            self.arrivals.setdefault(int(number), arrived_at)
        if path not in self.paths:
            self.paths[path] = PathStatistics(-self._warm_up, arrived_at, arrived_at, arrived_at)
        now = time.time()
        if self.window is None:
            if int(now) != self._second:
                self._second = int(now)
                self._response = _response(200, {"Date": http_date(self._second)}, BODY)
            return True, self._response
        admission = self.window.admit(now)
        headers = {"Date": http_date(int(now))} | admission.headers
        if admission.admitted:
            return True, _response(200, headers, BODY)
        return False, _response(429, headers, TOO_MANY_REQUESTS)

    def finish(self, path: bytes, admitted: bool) -> None:
        """Counts a response that was sent."""
        self._in_flight -= 1
        if not admitted:
            return
        self._count += 1
        now = time.monotonic()
        statistics = self.paths[path]
        statistics.count += 1
        statistics.last_response_at = now
        if statistics.count == 0:
            statistics.warm_up_ended_at = now
        if self._checkpoints and self._count == self._checkpoints[-1]:
            self._checkpoints.pop()
            print(now, flush=True)

    def statistics(self) -> dict[str, object]:
        """What was counted, as JSON values."""
        return {
            "arrivals": self.arrivals,
            "paths": {path.decode(): asdict(statistics) for path, statistics in self.paths.items()},
            "refused": self.window.refused if self.window else 0,
            "max_in_flight": self._max_in_flight,
            "windows": self.window.admitted if self.window else {},
        }


class Connection(asyncio.Protocol):
    """One kept-alive connection. Its client sends a request only after the response to the one before."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._path = self._number = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods, but not its base class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path, _, self._number = url.partition(b"?")

    def on_message_complete(self) -> None:
        admitted, response = self._server.start(self._path, self._number, time.monotonic())
        if self._server.latency:
            self._loop.call_later(self._server.latency, self._send, response, admitted)
        else:
            self._send(response, admitted)

    def _send(self, response: bytes, admitted: bool) -> None:
        self._transport.write(response)
        self._server.finish(self._path, admitted)


def _response(status: int, headers: dict[str, str], body: bytes) -> bytes:
    complete = headers | {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return http1.response(status, complete, body, with_body=True)


async def serve(server: Server, certificate: str | None = None) -> None:
    """Serves until standard input ends; over TLS with the certificate of a file."""
    loop = asyncio.get_running_loop()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=512, ssl=context)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps(server.statistics()), flush=True)


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
    window = RateWindow(arguments.limit) if arguments.limit else None
    server = Server(arguments.latency, window, arguments.warm_up, arguments.checkpoints)
    uvloop.run(serve(server, arguments.certificate))


if __name__ == "__main__":
    main()
