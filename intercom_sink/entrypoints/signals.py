"""SIGTERM and SIGINT: the first asks for a good end, the second ends the process at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block, the first signal calls `stop`; a second one exits with 128 + its number. For the main thread.

    `stop` takes locks, and a handler may have interrupted the very code that holds them. So the handler only puts the
    signal into a SimpleQueue, which is made for that, and a thread calls `stop`.
    """
    received: SimpleQueue[int | None] = SimpleQueue()
    stopping = False

    def on_signal(signum: int, _: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            # Not left to the default action: process 1 of a container has none.
            os._exit(128 + signum)
        stopping = True
        received.put(signum)

    def wait() -> None:
        if received.get() is not None:
            stop()

    thread = threading.Thread(target=wait, name="signals", daemon=True)
    thread.start()
    before = {signum: signal.signal(signum, on_signal) for signum in _SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        received.put(None)
        thread.join()
