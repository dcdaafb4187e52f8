"""The processes that the sink is compared with; environment variables configure them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from benchmarks.messages import TOKEN


@dataclass(frozen=True)
class Job:
    """The work of one contender.

    Args:
        broker_url: RabbitMQ's URL.
        queue: the queue that holds the messages.
        server_url: the base URL of the HTTP server in Intercom's place.
        concurrency: requests in flight at most.
        messages: how many messages the queue holds.
    """

    broker_url: str
    queue: str
    server_url: str
    concurrency: int
    messages: int

    @classmethod
    def from_environment(cls) -> Job:
        """Reads the variables that `environment` returns."""
        return cls(
            os.environ["BENCH_BROKER_URL"],
            os.environ["BENCH_QUEUE"],
            os.environ["BENCH_SERVER_URL"],
            int(os.environ["BENCH_CONCURRENCY"]),
            int(os.environ["BENCH_MESSAGES"]),
        )

    def environment(self) -> dict[str, str]:
        """The variables that configure any contender; the sink reads its own."""
        return {
            "BENCH_BROKER_URL": self.broker_url,
            "BENCH_QUEUE": self.queue,
            "BENCH_SERVER_URL": self.server_url,
            "BENCH_CONCURRENCY": str(self.concurrency),
            "BENCH_MESSAGES": str(self.messages),
            "BENCH_TOKEN": TOKEN,
            "CJW_RABBITMQ_HOST": self.broker_url,
            "CJW_INTERCOM_QUEUE_NAME": self.queue,
            "CJW_INTERCOM_API_URL": self.server_url,
            "CJW_INTERCOM_CONCURRENCY": str(self.concurrency),
            "CJW_INTERCOM_API_TOKEN": TOKEN,
        }
