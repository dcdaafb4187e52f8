"""Celery with requests, acking late: a task that fails is tried again, after a pause that grows.

The work is waiting, so the pool is threads. One at a time it is Celery's default, a process, which is faster.
"""

import requests
from celery import Celery

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HEADERS, PATH

TASK = "send"


def make_app(job: Job) -> Celery:
    """The application, with its one task."""
    app = Celery(broker=job.broker)
    app.conf.update(
        task_default_queue=job.queue,
        task_acks_late=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
    )

    def send(method: str, path: str, data: object) -> None:
        requests.request(method, job.url + path, json=data, headers=HEADERS, timeout=30).raise_for_status()

    again = {"autoretry_for": (requests.RequestException,), "retry_backoff": True, "max_retries": None}
    app.task(send, name=TASK, shared=False, **again)
    return app


def publish_tasks(job: Job) -> None:
    """Publishes the messages of a job, as tasks."""
    app = make_app(job)
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(job.messages):
            app.tasks[TASK].apply_async(("POST", PATH, DATA), producer=producer)
    app.close()


def main() -> None:
    """Works until it is told to stop."""
    job = Job.from_environment()
    pool = [f"--pool={'prefork' if job.concurrency == 1 else 'threads'}", f"--concurrency={job.concurrency}"]
    # A worker that is alone has nobody to greet: this saves it a second at the start.
    make_app(job).worker_main(["worker", *pool, "--without-gossip", "--without-mingle", "--loglevel=ERROR"])


if __name__ == "__main__":
    main()
