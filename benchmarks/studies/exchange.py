"""What does an exchange cost, and what reads responses best? Served docs/decisions/0018-an-exchange-of-our-own.md.

Sends the same requests with a bare urllib3 pool, with the gateway, and with the gateway that reads by httptools
(llhttp), from 1, 8 and 64 threads, over TCP and TLS. The variants take turns, so noise falls on all of them. Then reads
one typical response again and again. Prints both tables of the decision page:

    make .venv-bench/complete
    .venv-bench/bin/pip install h11
    .venv-bench/bin/python -m benchmarks.studies.exchange
"""

from __future__ import annotations

import http.client
import io
import json
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias
from unittest import mock

import httptools
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import parse_url

from benchmarks.certificates import certificates
from benchmarks.messages import DATA, HEADERS, PATH
from benchmarks.processes import running_server
from intercom_sink import IntercomRequest, Response
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.intercom.http1 import RawResponse, read_response
from intercom_sink.adapters.secrets import FixedSecret

READER = "intercom_sink.adapters.intercom.connection.read_response"
REQUESTS = 3_200
ROUNDS = int(os.environ.get("ROUNDS", "5"))
THREADS = (1, 8, 64)
REQUEST = IntercomRequest("POST", PATH, DATA)

HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: 77\r\nConnection: keep-alive\r\nStatus: 200 OK\r\nX-RateLimit-Limit: 1666\r\n"
    b"X-RateLimit-Remaining: 1500\r\nX-RateLimit-Reset: 1795521607\r\nX-Request-Id: 000abcdef0123456789\r\n"
    b"X-Intercom-Version: 1f2e3d4c\r\nCache-Control: max-age=0, private, must-revalidate\r\n"
    b"Strict-Transport-Security: max-age=31556952; includeSubDomains; preload\r\n\r\n"
)
TYPICAL = HEAD + b"x" * 77

Send: TypeAlias = Callable[[], object]
Close: TypeAlias = Callable[[], None]


def bare_urllib3(url: str, threads: int) -> tuple[Send, Close]:
    """Sends with urllib3's own pool."""
    parts = parse_url(url)
    host, authority = parts.host or "", os.environ["SSL_CERT_FILE"]
    if parts.scheme == "https":
        pool: HTTPConnectionPool = HTTPSConnectionPool(
            host, parts.port, maxsize=threads, block=True, ca_certs=authority
        )
    else:
        pool = HTTPConnectionPool(host, parts.port, maxsize=threads, block=True)
    headers = HEADERS | {"Content-Type": "application/json"}
    body = json.dumps(DATA).encode()
    return lambda: pool.urlopen("POST", PATH, body, headers, retries=False), pool.close


def gateway(url: str, threads: int) -> tuple[Send, Close]:
    """Sends with the gateway: also makes JSON, keeps the deadline, and makes a Response."""
    made = HTTPGateway(url, FixedSecret("token"), user_agent="study", connections=threads)

    def send() -> None:
        result = made.send(REQUEST)
        assert isinstance(result, Response), result

    return send, made.close


class _Parsed:
    """What httptools calls."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.is_complete = False
        self.parser = httptools.HttpResponseParser(self)
        self.keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True
        self.keeps_alive = self.parser.should_keep_alive()


def read_with_httptools(_: str, receive: Callable[[], bytes]) -> object:
    """Reads a response with llhttp, without the rules that it leaves to its user, such as interim responses."""
    parsed = _Parsed()
    while not parsed.is_complete:
        parsed.parser.feed_data(receive())
    return RawResponse(parsed.parser.get_status_code(), parsed.headers, parsed.body, parsed.keeps_alive)


def measure(variant: Callable[[str, int], tuple[Send, Close]], url: str, threads: int) -> tuple[float, float]:
    """Measures one variant once; returns requests a second, and microseconds of CPU time a request."""
    send, close = variant(url, threads)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: [send() for _ in range(5)], range(threads)))  # connects
        share = REQUESTS // threads
        began, cpu_before = time.perf_counter(), time.process_time()
        list(pool.map(lambda _: [send() for _ in range(share)], range(threads)))
        elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu_before
    close()
    return share * threads / elapsed, cpu / (share * threads) * 1e6


def print_exchanges() -> None:
    """Prints the table of exchanges."""
    print("| over | threads | variant | requests/s | of urllib3's | CPU us a request | of urllib3's |")
    print("|---|---|---|---|---|---|---|")
    with certificates() as tls:
        os.environ["SSL_CERT_FILE"] = str(tls.authority)
        for over, certificate in (("TCP", None), ("TLS", tls.server)):
            with running_server(0, certificate=certificate) as server:
                for threads in THREADS:
                    results: dict[str, list[tuple[float, float]]] = {}
                    for _ in range(ROUNDS):
                        results.setdefault("bare urllib3", []).append(measure(bare_urllib3, server.url, threads))
                        results.setdefault("the gateway", []).append(measure(gateway, server.url, threads))
                        with mock.patch(READER, read_with_httptools):
                            result = measure(gateway, server.url, threads)
                        results.setdefault("the same, with httptools", []).append(result)
                    _print_rows(over, threads, results)


def _print_rows(over: str, threads: int, results: dict[str, list[tuple[float, float]]]) -> None:
    medians = {
        name: [statistics.median(column) for column in zip(*rounds, strict=True)] for name, rounds in results.items()
    }
    limit_rate, limit_cpu = medians["bare urllib3"]
    for name, (rate, cpu) in medians.items():
        row = f"{over} | {threads} | {name} | {rate:,.0f} | {rate / limit_rate:.2f} | {cpu:.0f} | {cpu / limit_cpu:.2f}"
        print(f"| {row} |", flush=True)


def print_readers() -> None:
    """Prints the table of what reads one response."""
    print("\n| reading a response of 12 fields with | us |\n|---|---|")
    for name, read in _readers().items():
        times = []
        for _ in range(200):
            began = time.thread_time()
            for _ in range(100):
                read()
            times.append((time.thread_time() - began) / 100 * 1e6)
        print(f"| {name} | {min(times):.1f} |")


def _readers() -> dict[str, Callable[[], object]]:
    import h11

    def with_http_client() -> object:
        class Socket:
            def makefile(self, *_: object) -> io.BytesIO:
                return io.BytesIO(TYPICAL)

        response = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
        response.begin()
        return response.read()

    def with_h11() -> object:
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
        parser.send(h11.EndOfMessage())
        parser.receive_data(TYPICAL)
        return [parser.next_event() for _ in range(3)]

    return {
        "http.client": with_http_client,
        "h11": with_h11,
        "httptools": lambda: read_with_httptools("POST", lambda: TYPICAL),
        "`http1.py`": lambda: read_response("POST", lambda: TYPICAL),
    }


def main() -> None:
    """Prints the tables of the decision page."""
    print_exchanges()
    print_readers()


if __name__ == "__main__":
    main()
