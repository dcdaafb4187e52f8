"""The fixtures of the integration tests."""

from tests.support.fixtures import (
    authority,
    authority_file,
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
    "authority_file",
    "dead_letters",
    "intercom",
    "node",
    "node_certificate",
    "queue",
    "rabbitmq",
    "session_node",
    "start_sink",
]
