"""Makes the job of a case."""

import itertools

from benchmarks.cases import Case
from benchmarks.contenders import Job

QUEUE_NUMBERS = itertools.count(1)
"""Each run has a queue of its own name, because some clients remember which queues they have declared."""


def make_job(broker_url: str, server_url: str, case: Case) -> Job:
    """The job of a case, with a new queue."""
    return Job(broker_url, f"benchmark-{next(QUEUE_NUMBERS)}", server_url, case.concurrency, case.messages)
