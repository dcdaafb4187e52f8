"""A fast HTTP server in the place of Intercom: every answer takes a set time, and perhaps there is a rate window.

    python -m benchmarks.server [--latency SECONDS] [--limit REQUESTS] [--warm-up COUNT] [--marks COUNT,...]

It prints its port, then the monotonic time at which it has given so many good answers, a line for each mark; and once
its standard input ends, all that it saw, as a line of JSON. It runs on httptools and uvloop: what it takes from the
processor is taken from what is measured.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

import httptools
import uvloop

from testbed.rate_window import RateWindow, http_date

BODY = b'{"type":"contact","id":"6762f0cd1bb69f9f2193bb83","email":"ada@example.com"}'
OK = b"HTTP/1.1 200 OK\r\n"
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\n"


@dataclass
class Answered:
    """The good answers on one path; times are of the monotonic clock, which all processes of a machine share.

    Attributes:
        count: how many there were after the warm-up.
        first_request: when the first request arrived.
        warm: when the warm-up's last answer was sent; without a warm-up, the same as `first_request`.
        last_answer: when the last answer was sent.
    """

    count: int
    first_request: float
    warm: float
    last_answer: float


class Server:
    """What all connections share: how long an answer takes, the window, and what was seen."""

    def __init__(self, latency: float, window: RateWindow | None, warm_up: int, marks: Iterable[int]) -> None:
        self.latency = latency
        self.window = window
        self.answered: dict[bytes, Answered] = {}
        self._warm_up = warm_up
        self._count = 0
        self._marks = sorted(marks, reverse=True)
        self._in_flight = 0
        self._most_in_flight = 0

    def begin(self) -> tuple[bool, bytes]:
        """Takes a request in: whether it is admitted, and the whole answer to it."""
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        now = time.time()
        if self.window is None:
            return True, _answer(OK, {"Date": http_date(math.floor(now))})
        admission = self.window.admit(now)
        return admission.admitted, _answer(OK if admission.admitted else TOO_MANY, admission.headers)

    def end(self, path: bytes, began: float, admitted: bool) -> None:
        """Counts an answer that was sent."""
        self._in_flight -= 1
        if not admitted:
            return
        self._count += 1
        now = time.monotonic()
        answered = self.answered.setdefault(path, Answered(-self._warm_up, began, began, now))
        answered.count += 1
        answered.last_answer = now
        if answered.count == 0:
            answered.warm = now
        if self._marks and self._count == self._marks[-1]:
            self._marks.pop()
            print(now, flush=True)

    def seen(self) -> dict[str, object]:
        """All that was seen, for the one who measures."""
        return {
            "answered": {path.decode(): asdict(answered) for path, answered in self.answered.items()},
            "refused": self.window.refused if self.window else 0,
            "most_in_flight": self._most_in_flight,
            "windows": self.window.admitted if self.window else {},
        }


class Connection(asyncio.Protocol):
    """One client, kept alive; it sends a request only after it has the answer to the one before."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_message_complete(self) -> None:
        began = time.monotonic()
        admitted, answer = self._server.begin()
        if self._server.latency:
            self._loop.call_later(self._server.latency, self._send, answer, began, admitted)
        else:
            self._send(answer, began, admitted)

    def _send(self, answer: bytes, began: float, admitted: bool) -> None:
        self._transport.write(answer)
        self._server.end(self._path, began, admitted)


def _answer(status: bytes, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    return b"%b%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, lines, len(BODY), BODY)


async def serve(server: Server) -> None:
    """Serves until standard input ends."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=512)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps(server.seen()), flush=True)


def main() -> None:
    """Reads the command line, and serves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--warm-up", type=int, default=0)
    parser.add_argument("--marks", type=lambda text: [int(mark) for mark in text.split(",")], default=[])
    arguments = parser.parse_args()
    window = RateWindow(arguments.limit) if arguments.limit else None
    uvloop.run(serve(Server(arguments.latency, window, arguments.warm_up, arguments.marks)))


if __name__ == "__main__":
    main()
