"""SIGTERM and SIGINT: the first stops the program in good order, the second ends the process at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block, the first signal calls `stop`; a second one exits with 128 + its number.

    All other threads of the program must be started within the block. A thread waits for the signals, in place of a
    handler: Python runs handlers in the main thread only, where one may interrupt code that holds the lock which `stop`
    needs, and where resolving a host name would delay even the second signal.
    """

    def wait() -> None:
        signal.sigwait(_SIGNALS)
        if over.is_set():
            return
        stop()
        signum = signal.sigwait(_SIGNALS)
        if not over.is_set():
            os._exit(128 + signum)

    over = threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    thread = threading.Thread(target=wait, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        if thread.is_alive() and thread.ident is not None:
            signal.pthread_kill(thread.ident, signal.SIGTERM)  # only to end its sigwait
        thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
