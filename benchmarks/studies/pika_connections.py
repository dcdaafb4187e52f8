"""Which pika connection should the I/O thread own? Served docs/decisions/0003-select-connection.md.

Both kinds do the same work: a thread owns the connection and passes each delivery to the main thread, which acks it
through `add_callback_threadsafe`; no HTTP. They take turns over the same backlog, so noise falls on both. Prints the
table of the decision page:

    .venv/bin/python -m testbed.rabbitmq .venv/bin/python -m benchmarks.studies.pika_connections
"""

from __future__ import annotations

import os
import queue
import statistics
import threading
import time
from collections.abc import Callable

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from testbed.rabbitmq import VARIABLE

QUEUE = "benchmark-pika-connections"
MESSAGES = 4000
BODY = b"x" * 200
ROUNDS = 5

Ack = Callable[[], None]


def consume_with_select(url: str, prefetch: int, deliveries: queue.SimpleQueue[Ack]) -> Callable[[], None]:
    """Starts an I/O thread with a SelectConnection; returns a function that stops it."""

    def on_message(channel: Channel, method: Basic.Deliver, _: BasicProperties, body: bytes) -> None:
        tag = method.delivery_tag
        deliveries.put(lambda: connection.ioloop.add_callback_threadsafe(lambda: channel.basic_ack(tag)))

    def on_channel(channel: Channel) -> None:
        channel.basic_qos(prefetch_count=prefetch, callback=lambda _: channel.basic_consume(QUEUE, on_message))

    connection: pika.SelectConnection = pika.SelectConnection(
        pika.URLParameters(url),
        on_open_callback=lambda opened: opened.channel(on_open_callback=on_channel),
        on_close_callback=lambda *_: connection.ioloop.stop(),
    )
    thread = threading.Thread(target=connection.ioloop.start)
    thread.start()

    def stop() -> None:
        connection.ioloop.add_callback_threadsafe(connection.close)
        thread.join()

    return stop


def consume_with_blocking(url: str, prefetch: int, deliveries: queue.SimpleQueue[Ack]) -> Callable[[], None]:
    """Starts an I/O thread with a BlockingConnection; returns a function that stops it."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=prefetch)

    def on_message(_: BlockingChannel, method: Basic.Deliver, __: BasicProperties, body: bytes) -> None:
        tag = method.delivery_tag
        deliveries.put(lambda: connection.add_callback_threadsafe(lambda: channel.basic_ack(tag)))

    channel.basic_consume(QUEUE, on_message)
    thread = threading.Thread(target=channel.start_consuming)
    thread.start()

    def stop() -> None:
        connection.add_callback_threadsafe(channel.stop_consuming)
        thread.join()
        connection.close()

    return stop


def measure(start: Callable[..., Callable[[], None]], url: str, prefetch: int) -> tuple[float, float]:
    """Measures one kind of connection once; returns messages/s, and CPU time of this process in us/message."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        channel.queue_purge(QUEUE)
        for _ in range(MESSAGES):
            channel.basic_publish("", QUEUE, BODY, BasicProperties(delivery_mode=2))
    deliveries: queue.SimpleQueue[Ack] = queue.SimpleQueue()
    started_at, cpu_before = time.perf_counter(), time.process_time()
    stop = start(url, prefetch, deliveries)
    for _ in range(MESSAGES):
        deliveries.get(timeout=30)()
    stop()
    cpu = time.process_time() - cpu_before
    return MESSAGES / (time.perf_counter() - started_at), cpu / MESSAGES * 1e6


def main() -> None:
    """Prints the table of the decision page."""
    url = os.environ[VARIABLE]
    kinds = {"SelectConnection": consume_with_select, "BlockingConnection": consume_with_blocking}
    print("| connection | prefetch | messages/s (min to max) | CPU us/message |\n|---|---|---|---|")
    for prefetch in (2, 10, 32, 100):
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
        for _ in range(ROUNDS):
            for name, start in kinds.items():
                results[name].append(measure(start, url, prefetch))
        for name, rounds in results.items():
            rates = [rate for rate, _ in rounds]
            rate = f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"
            print(f"| {name} | {prefetch} | {rate} | {statistics.median(cpu for _, cpu in rounds):.0f} |", flush=True)


if __name__ == "__main__":
    main()
