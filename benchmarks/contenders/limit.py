"""The limit: the same requests from urllib3 over connections that are kept alive, and nothing else. No broker."""

import itertools
import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from urllib3 import HTTPConnectionPool
from urllib3.util import parse_url

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HEADERS, PATH


def sender(job: Job) -> Callable[[], object]:
    """What sends one request, from any thread."""
    url = parse_url(job.url)
    pool = HTTPConnectionPool(url.host or "", url.port, maxsize=job.concurrency, block=True)
    headers = HEADERS | {"Content-Type": "application/json"}
    body = json.dumps(DATA).encode()
    return lambda: pool.urlopen("POST", PATH, body, headers, retries=False)


def main() -> None:
    """Sends all requests, from as many threads as may be in flight; then stays until it is killed, as the others do."""
    job = Job.from_environment()
    send = sender(job)
    numbers = itertools.count()

    def send_until_none_is_left() -> None:
        while next(numbers) < job.messages:
            send()

    with ThreadPoolExecutor(job.concurrency) as threads:
        for done in [threads.submit(send_until_none_is_left) for _ in range(job.concurrency)]:
            done.result()
    signal.pause()


if __name__ == "__main__":
    main()
