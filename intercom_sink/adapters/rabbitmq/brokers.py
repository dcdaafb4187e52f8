"""The brokers, by their URLs, which may change while the program runs."""

import threading

from intercom_sink.adapters.rabbitmq.urls import BrokerUrl, parse_urls
from intercom_sink.adapters.secrets import FixedSecret, Secret


class Brokers:
    """The URLs of a cluster's brokers. Any number of threads may use them at once.

    Args:
        secret: the URLs as text, separated by commas. A FileSecret must have `parse_urls` as its `check`, so that a new
            value is valid too.

    Raises:
        ValueError: one is invalid; the text says which one and why, and never shows a password.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._text = secret.value
        self._urls = parse_urls(self._text)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Brokers({', '.join(map(str, self.urls))})"

    @property
    def urls(self) -> tuple[BrokerUrl, ...]:
        """The current URLs: the same tuple until they change."""
        with self._lock:
            text = self._secret.value
            if text != self._text:
                self._text, self._urls = text, parse_urls(text)
            return self._urls

    def reload(self, refused: tuple[BrokerUrl, ...]) -> bool:
        """Looks for new URLs, after a broker has refused one of these; returns whether there are others now."""
        self._secret.reload()
        return self.urls is not refused


def to_brokers(url: str | Brokers) -> Brokers:
    """The brokers of these URLs. Raises ValueError for an invalid one."""
    return url if isinstance(url, Brokers) else Brokers(FixedSecret(url))
