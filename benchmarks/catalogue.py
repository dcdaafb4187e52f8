"""The contenders: what each is called, how it is started, and how the page describes it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

GO_FOLDER = Path(__file__).parents[1] / "build" / "benchmarks" / "go"
"""Where the contenders in Go are built."""

PYTHON = (sys.executable, "-m")


@dataclass(frozen=True)
class Contender:
    """One contender.

    Args:
        name: what the page calls it.
        slug: a word for it, for the command line.
        description: a sentence for the page.
        command: its command line, by concurrency.
        fast: whether it is measured in every round, with more messages; the others are not close to the sink.
        tasks: the module that publishes its messages in its own format; None: it takes the sink's format.
        needs_go: whether it is written in Go.
    """

    name: str
    slug: str
    description: str
    command: Callable[[int], Sequence[str]]
    fast: bool = False
    tasks: str | None = None
    needs_go: bool = False


def _python(module: str, *arguments: str) -> Callable[[int], Sequence[str]]:
    return lambda _: (*PYTHON, module, *arguments)


def _taskiq(concurrency: int) -> Sequence[str]:
    options = ("--workers", "1", "--max-async-tasks", str(concurrency), "--log-level", "ERROR")
    return (*PYTHON, "taskiq", "worker", "benchmarks.contenders.taskiq_aiohttp:make_broker", *options)


def _dramatiq(concurrency: int) -> Sequence[str]:
    options = ("--processes", "1", "--threads", str(concurrency), "--skip-logging")
    return (*PYTHON, "dramatiq", "benchmarks.contenders.dramatiq_requests:make_broker", *options)


BARE_URLLIB3 = Contender(
    "bare urllib3",
    "urllib3",
    "the limit of its kind, a loop that sends the same requests over kept-alive connections, on as many threads as "
    "requests may be in flight; no broker.",
    _python("benchmarks.contenders.bare_urllib3"),
    fast=True,
)
SINK = Contender("intercom_sink", "sink", "`intercom-sink run`.", _python("intercom_sink", "run"), fast=True)
AIO_PIKA = Contender(
    "aio-pika + aiohttp",
    "aio-pika",
    "the loop that a good Python developer writes today: one session, on uvloop; the prefetch is the concurrency.",
    _python("benchmarks.contenders.aio_pika_aiohttp"),
    fast=True,
)
BENTHOS = Contender(
    "Benthos",
    "benthos",
    "the engine of Redpanda Connect (Go, v4, MIT) with an AMQP input of our own, as thin as Redpanda Connect's, a "
    "mapping to JSON, and its `http_client` output.",
    lambda _: [str(GO_FOLDER / "benthos")],
    fast=True,
    needs_go=True,
)
GO_LOOP = Contender(
    "Go loop",
    "go-loop",
    "amqp091-go and net/http, a goroutine for each request in flight.",
    lambda _: [str(GO_FOLDER / "loop")],
    fast=True,
    needs_go=True,
)
TASKIQ = Contender(
    "taskiq",
    "taskiq",
    "taskiq-aio-pika and aiohttp; one worker process, on uvloop.",
    _taskiq,
    tasks="benchmarks.contenders.taskiq_aiohttp",
)
DRAMATIQ = Contender(
    "dramatiq",
    "dramatiq",
    "its RabbitMQ broker and `requests`; one worker process, a thread and a session for each request in flight.",
    _dramatiq,
    tasks="benchmarks.contenders.dramatiq_requests",
)
PLAIN_LOOP = Contender(
    "plain loop",
    "plain-loop",
    "pika's `BlockingConnection`, prefetch 1, `requests.post`, ack.",
    _python("benchmarks.contenders.plain_loop"),
)
FASTSTREAM = Contender(
    "FastStream",
    "faststream",
    "one `httpx.AsyncClient`, on uvloop; the prefetch is the concurrency; failed messages are requeued.",
    _python("faststream", "run", "benchmarks.contenders.faststream_httpx:app"),
)
CELERY = Contender(
    "Celery",
    "celery",
    "`requests`, late acks, prefetch multiplier 1, retries with exponential backoff; a pool of threads, or at "
    "concurrency 1 its default pool of processes, which is faster there.",
    _python("benchmarks.contenders.celery_requests"),
    tasks="benchmarks.contenders.celery_requests",
)

CONTENDERS = (BARE_URLLIB3, SINK, AIO_PIKA, BENTHOS, GO_LOOP, TASKIQ, DRAMATIQ, PLAIN_LOOP, FASTSTREAM, CELERY)
PEERS = tuple(contender for contender in CONTENDERS if contender not in (BARE_URLLIB3, SINK))
BY_NAME = {contender.name: contender for contender in CONTENDERS}
