"""The same fixtures as the integration tests."""

from tests.integration.conftest import intercom, node, queue, rabbitmq, start_sink

__all__ = ["intercom", "node", "queue", "rabbitmq", "start_sink"]
