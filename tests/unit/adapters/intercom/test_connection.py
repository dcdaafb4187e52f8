"""What the stricter connections rely on in urllib3, and their deadline. The rest needs sockets: tests/integration."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from intercom_sink.adapters.intercom.connection import (
    StrictHTTPConnectionPool,
    StrictHTTPSConnectionPool,
    start_attempt,
)

MakePool = Callable[[], HTTPConnectionPool]

POOLS = [
    pytest.param(lambda: StrictHTTPConnectionPool("127.0.0.1", 9), id="http"),
    pytest.param(lambda: StrictHTTPSConnectionPool("127.0.0.1", 9), id="https"),
]


class Called(Exception):
    """A method was called."""


@pytest.mark.parametrize("connection_class", [HTTPConnection, HTTPSConnection])
def test_urllib3_opens_its_sockets_with_new_conn(
    connection_class: type[HTTPConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private to urllib3; the deadline, the bound on bytes and the TLS of each connection rest on it."""

    def new_conn(connection: HTTPConnection) -> socket.socket:
        raise Called

    monkeypatch.setattr(connection_class, "_new_conn", new_conn)
    with pytest.raises(Called):
        connection_class("localhost", 9).connect()


def test_urllib3_keeps_the_host_to_resolve_in_dns_host() -> None:
    """Private to urllib3."""
    assert HTTPConnection("rabbit.", 9)._dns_host == "rabbit."


@pytest.mark.parametrize(("pool_class", "base"), [(StrictHTTPConnectionPool, HTTPConnectionPool),
                                                  (StrictHTTPSConnectionPool, HTTPSConnectionPool)])  # fmt: skip
def test_pools_make_connections_of_the_stricter_class(pool_class: Any, base: type[HTTPConnectionPool]) -> None:
    assert issubclass(pool_class, base)
    connection = pool_class("127.0.0.1", 9)._new_conn()
    assert isinstance(connection, pool_class.ConnectionCls)
    assert type(connection)._new_conn is not HTTPConnection._new_conn


@pytest.mark.parametrize("make_pool", POOLS)
def test_nothing_is_connected_after_the_deadline(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    start_attempt(0.0)
    with pytest.raises((HTTPError, TimeoutError), match=r"reached its deadline|timed out"):
        make_pool().urlopen("GET", "/", retries=False)
    assert connected == []


@pytest.mark.parametrize("make_pool", POOLS)
def test_host_without_an_address_is_an_error(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    start_attempt(5.0)
    with pytest.raises((HTTPError, OSError), match="has no address"):
        make_pool().urlopen("GET", "/", retries=False)
