"""Finds free ports of the loopback interface."""

import random
import socket

RANGE = range(10_000, 32_768)
"""Below the ports that Linux assigns to outgoing connections: one could take a port before its listener does."""


def free_ports(count: int) -> list[int]:
    """So many different TCP ports of 127.0.0.1 that are free now."""
    found: list[int] = []
    for port in random.sample(RANGE, len(RANGE)):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"no {count} free ports from {RANGE.start} to {RANGE.stop - 1}")
