"""Dramatiq on RabbitMQ with requests: one worker process, a thread and a session for each request in flight.

    dramatiq benchmarks.contenders.dramatiq_requests:make_broker --processes 1 --threads CONCURRENCY

It prefetches twice as many messages as it has threads, which is its default. A message is acked after its task, and a
task that fails is retried with exponential backoff.
"""

import threading
from typing import Any

import dramatiq
import requests
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HEADERS


def make_broker() -> None:
    """Sets the broker with its only actor, for the job of the environment."""
    make_actor(Job.from_environment())


def make_actor(job: Job) -> Any:
    """Sets the broker; returns its only actor."""
    broker = RabbitmqBroker(url=job.broker_url)
    dramatiq.set_broker(broker)
    local = threading.local()

    def send(method: str, path: str, data: Any) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers.update(HEADERS)
        local.session.request(method, job.server_url + path, json=data, timeout=30).raise_for_status()

    return dramatiq.actor(send, queue_name=job.queue, broker=broker)


def publish_task(job: Job, path: str) -> None:
    """Publishes one message as a task; declares the queue."""
    actor = make_actor(job)
    actor.send("POST", path, DATA)
    actor.broker.close()
