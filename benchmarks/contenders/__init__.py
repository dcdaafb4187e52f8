"""What the sink is compared with: processes that are told everything by environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass

from benchmarks.messages import TOKEN


@dataclass(frozen=True)
class Job:
    """What a contender is to do."""

    broker: str
    queue: str
    url: str
    concurrency: int
    messages: int

    @classmethod
    def from_environment(cls) -> Job:
        """Reads what `environment` wrote."""
        return cls(
            os.environ["BENCH_BROKER"],
            os.environ["BENCH_QUEUE"],
            os.environ["BENCH_URL"],
            int(os.environ["BENCH_CONCURRENCY"]),
            int(os.environ["BENCH_MESSAGES"]),
        )

    def environment(self) -> dict[str, str]:
        """The variables that say it to any contender; the sink is told by its own."""
        return {
            "BENCH_BROKER": self.broker,
            "BENCH_QUEUE": self.queue,
            "BENCH_URL": self.url,
            "BENCH_CONCURRENCY": str(self.concurrency),
            "BENCH_MESSAGES": str(self.messages),
            "CJW_RABBITMQ_HOST": self.broker,
            "CJW_INTERCOM_QUEUE_NAME": self.queue,
            "CJW_INTERCOM_API_URL": self.url,
            "CJW_INTERCOM_CONCURRENCY": str(self.concurrency),
            "CJW_INTERCOM_API_TOKEN": TOKEN,
        }
