"""Loopback ports that nobody listens on."""

import socket


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports of 127.0.0.1 that are free now (all held at once, so that none comes twice)."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()
