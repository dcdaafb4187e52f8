"""The upper bound: urllib3 sends the same requests over kept-alive connections, and does nothing else. No broker."""

import itertools
import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from urllib3 import connection_from_url

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HEADERS, PATH


def make_sender(job: Job) -> Callable[[], object]:
    """Returns a function that sends one request; any number of threads may call it at once."""
    pool = connection_from_url(job.server_url, maxsize=job.concurrency, block=True)
    headers = HEADERS | {"Content-Type": "application/json"}
    body = json.dumps(DATA).encode()
    return lambda: pool.urlopen("POST", PATH, body, headers, retries=False)


def main() -> None:
    """Sends all requests, on as many threads as the concurrency; then waits for SIGTERM, as all contenders do."""
    job = Job.from_environment()
    send = make_sender(job)
    numbers = itertools.count()

    def send_share() -> None:
        while next(numbers) < job.messages:
            send()

    with ThreadPoolExecutor(job.concurrency) as threads:
        for share in [threads.submit(send_share) for _ in range(job.concurrency)]:
            share.result()
    signal.pause()


if __name__ == "__main__":
    main()
