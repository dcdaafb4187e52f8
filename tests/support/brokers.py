"""Brokers whose URLs never change."""

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.secrets import FixedSecret


def fixed_brokers(urls: str) -> Brokers:
    """Brokers of these URLs, separated by commas. Raises ValueError as `Brokers` does."""
    return Brokers(FixedSecret(urls))
