"""Behaviours that are no valid response, or a late one. All end at once when the server closes."""

import threading

from intercom_sink.testing.intercom.exchange import Behaviour, Exchange

# Late, or never.


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Does something else after so many seconds."""

    def behave(exchange: Exchange) -> None:
        exchange.wait(seconds)
        behaviour(exchange)

    return behave


def after_event(event: threading.Event, behaviour: Behaviour) -> Behaviour:
    """Does something else once the event is set."""

    def behave(exchange: Exchange) -> None:
        while not (event.wait(0.05) or exchange.wait(0)):
            pass
        behaviour(exchange)

    return behave


def hang(exchange: Exchange) -> None:
    """Never responds."""
    exchange.wait()


def drip(beginning: bytes) -> Behaviour:
    """Sends the beginning of a response, then a byte every 0.1 s for ever: no single read has to wait long."""

    def behave(exchange: Exchange) -> None:
        exchange.send_raw(beginning)
        while not exchange.wait(0.1):
            exchange.send_raw(b"x")

    return behave


drip_headers = drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")
drip_body = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")


# Broken connections, and bytes that are no valid response.


def reset(exchange: Exchange) -> None:
    """Resets the connection (RST) in place of a response."""
    exchange.reset()


def close_early(exchange: Exchange) -> None:
    """Closes the connection in place of a response."""


def raw(data: bytes) -> Behaviour:
    """Sends exactly these bytes, then closes the connection."""
    return lambda exchange: exchange.send_raw(data)


truncated = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
garbage = raw(b"\x00\xff\x13 not HTTP at all \r\n\r\n" * 5)


def endless(exchange: Exchange) -> None:
    """Sends a 200 with a body that has no end."""
    exchange.send_raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not exchange.wait(0):
        exchange.send_raw(b"x" * 65_536)
