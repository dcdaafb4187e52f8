"""Celery with requests and late acks: a task that fails is retried with exponential backoff.

The tasks mostly wait, so they run in threads; at concurrency 1 they run in Celery's default pool of processes, which is
faster there.
"""

from typing import Any

import requests
from celery import Celery

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HEADERS

TASK = "send"


def make_app(job: Job) -> Celery:
    """The Celery application, with its only task."""
    app = Celery(broker=job.broker_url)
    app.conf.update(
        task_default_queue=job.queue,
        task_acks_late=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
    )

    def send(method: str, path: str, data: Any) -> None:
        requests.request(method, job.server_url + path, json=data, headers=HEADERS, timeout=30).raise_for_status()

    retries = {"autoretry_for": (requests.RequestException,), "retry_backoff": True, "max_retries": None}
    app.task(send, name=TASK, shared=False, **retries)
    return app


def publish_task(job: Job, path: str) -> None:
    """Publishes one message as a task; declares the queue."""
    app = make_app(job)
    app.tasks[TASK].apply_async(("POST", path, DATA))
    app.close()


def main() -> None:
    """Runs a worker until SIGTERM."""
    job = Job.from_environment()
    pool = [f"--pool={'prefork' if job.concurrency == 1 else 'threads'}", f"--concurrency={job.concurrency}"]
    # Without gossip and mingle, a single worker does not look for others, which saves a second of its startup.
    make_app(job).worker_main(["worker", *pool, "--without-gossip", "--without-mingle", "--loglevel=ERROR"])


if __name__ == "__main__":
    main()
