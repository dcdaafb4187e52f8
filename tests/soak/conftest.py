"""The fixtures of the soak tests: those of the integration tests."""

from tests.support.fixtures import (
    authority,
    dead_letters,
    intercom,
    node,
    node_certificate,
    queue,
    rabbitmq,
    session_node,
    start_sink,
)

__all__ = [
    "authority",
    "dead_letters",
    "intercom",
    "node",
    "node_certificate",
    "queue",
    "rabbitmq",
    "session_node",
    "start_sink",
]
