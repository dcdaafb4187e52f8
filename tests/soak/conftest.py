"""The fixtures of the soak tests: those of the integration tests."""

from tests.support.fixtures import dead_letters, intercom, node, queue, rabbitmq, session_node, start_sink

__all__ = ["dead_letters", "intercom", "node", "queue", "rabbitmq", "session_node", "start_sink"]
