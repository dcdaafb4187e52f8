"""The fixtures of the examples' tests."""

from tests.support.fixtures import intercom, queue, rabbitmq

__all__ = ["intercom", "queue", "rabbitmq"]
