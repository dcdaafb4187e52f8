"""The TCP proxy between a sink and its broker."""

import socket

from testbed.ports import free_ports
from testbed.proxy import Proxy


def test_client_is_refused_while_there_is_no_server_and_served_once_there_is() -> None:
    (port,) = free_ports(1)
    with Proxy(port) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
            assert client.recv(1) == b""
        with (
            socket.create_server(("127.0.0.1", port)) as server,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client,
        ):
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"x")
                assert client.recv(1) == b"x"
