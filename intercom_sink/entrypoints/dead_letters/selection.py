"""Which dead letters a command is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from intercom_sink.adapters.rabbitmq.dead_letter_browser import DeadLetterBrowser, StoredDeadLetter


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters a command is about; None: no restriction.

    Args:
        reason: why they were given up, as the header says it.
        status: the status of Intercom's last response.
        path_prefix: how their paths begin.
        limit: how many of them, from the oldest.
    """

    reason: str | None
    status: int | None
    path_prefix: str | None
    limit: int | None

    def select(self, browser: DeadLetterBrowser) -> Iterator[StoredDeadLetter]:
        """The dead letters that match, oldest first."""
        return islice(filter(self._matches, browser.browse()), self.limit)

    def _matches(self, stored: StoredDeadLetter) -> bool:
        metadata = stored.metadata
        return (
            (self.reason is None or metadata.get("reason") == self.reason)
            and (self.status is None or metadata.get("status") == self.status)
            and (self.path_prefix is None or str(metadata.get("path", "")).startswith(self.path_prefix))
        )
