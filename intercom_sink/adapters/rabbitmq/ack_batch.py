"""Acks in batches: waking the I/O thread costs the same for one ack as for ten."""

import threading
from collections.abc import Callable

from pika.adapters.select_connection import IOLoop

ACK_BATCH_INTERVAL = 0.02
"""Seconds for which acks are collected after a flush."""


class AckBatch:
    """Collects acks from any thread, and flushes them on the I/O loop.

    The first ack is flushed at once; those that follow within ACK_BATCH_INTERVAL are flushed together, sooner once
    there are `size` of them.

    Args:
        loop: the connection's I/O loop.
        send: sends the acks of these delivery tags; called on the I/O thread.
        size: how many acks are flushed without waiting for the interval to end.
    """

    def __init__(self, loop: IOLoop, send: Callable[[list[int]], None], size: int) -> None:
        self._loop = loop
        self._send = send
        self._size = size
        self._tags: list[int] = []
        self._is_flush_due = False
        self._has_timer = False
        self._lock = threading.Lock()

    def add(self, tag: int) -> None:
        """Adds the ack of a delivery. From any thread."""
        with self._lock:
            self._tags.append(tag)
            is_urgent = not self._is_flush_due or len(self._tags) == self._size
            self._is_flush_due = True
        if is_urgent:
            self._loop.add_callback_threadsafe(self.flush)

    def flush(self) -> None:
        """Sends what has been collected. On the I/O thread."""
        with self._lock:
            tags, self._tags = self._tags, []
            self._is_flush_due = bool(tags) or self._has_timer
        if not tags:
            return
        if not self._has_timer:
            self._has_timer = True
            self._loop.call_later(ACK_BATCH_INTERVAL, self._end_interval)
        self._send(tags)

    def _end_interval(self) -> None:
        self._has_timer = False
        self.flush()
