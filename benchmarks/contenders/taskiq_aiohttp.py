"""Taskiq on RabbitMQ (taskiq-aio-pika) with aiohttp: one worker process on uvloop, one session for all tasks.

    taskiq worker benchmarks.contenders.taskiq_aiohttp:make_broker --workers 1 --max-async-tasks CONCURRENCY

The channel prefetches as many messages as tasks may run at once. A message is acked after its task, and a task that
fails is retried. The queue is a classic one, as every other contender's.
"""

import asyncio
from typing import Any

import aiohttp
from taskiq import AsyncBroker, SimpleRetryMiddleware, TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker, Queue, QueueType

from benchmarks.contenders import Job
from benchmarks.messages import DATA, HEADERS

TASK = "send"


def make_broker() -> AsyncBroker:
    """The broker with its only task, for the job of the environment."""
    return broker_of(Job.from_environment())


def broker_of(job: Job) -> AsyncBroker:
    """The same for this job."""
    queue = Queue(name=job.queue, type=QueueType.CLASSIC)
    broker = AioPikaBroker(job.broker_url, qos=job.concurrency).with_queue(queue)
    broker.add_middlewares(SimpleRetryMiddleware())
    sessions: list[aiohttp.ClientSession] = []

    async def open_session(_: TaskiqState) -> None:
        connector = aiohttp.TCPConnector(limit=job.concurrency)
        timeout = aiohttp.ClientTimeout(30)
        sessions.append(aiohttp.ClientSession(job.server_url, headers=HEADERS, connector=connector, timeout=timeout))

    async def close_session(_: TaskiqState) -> None:
        await sessions.pop().close()

    async def send(method: str, path: str, data: Any) -> None:
        async with sessions[0].request(method, path, json=data) as response:
            response.raise_for_status()
            await response.read()

    broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, open_session)
    broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, close_session)
    broker.register_task(send, TASK, retry_on_error=True)
    return broker


def publish_task(job: Job, path: str) -> None:
    """Publishes one message as a task; declares the queue."""

    async def publish() -> None:
        broker = broker_of(job)
        await broker.startup()
        task = broker.find_task(TASK)
        assert task is not None
        await task.kiq("POST", path, DATA)
        await broker.shutdown()

    asyncio.run(publish())
