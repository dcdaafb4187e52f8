"""SIGTERM and SIGINT: the first stops the program gracefully, the second ends the process at once."""

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

    Another thread calls `stop`, which may block: it logs, and nobody may read what is logged. The thread that waits for
    the signals takes no lock that other code holds, so that nothing can delay the second one.
    """
    requested, ending, over, woken = (threading.Event() for _ in range(4))

    def watch() -> None:
        signal.sigwait(_SIGNALS)
        requested.set()
        signum = None if over.is_set() else signal.sigwait(_SIGNALS)
        if signum is not None and not over.is_set():
            os._exit(128 + signum)
        woken.wait()  # stays alive until it has been woken: a signal must not be sent to a thread that has ended

    def call_stop() -> None:
        requested.wait()
        if not ending.is_set():
            stop()

    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    stopper = threading.Thread(target=call_stop, name="stop", daemon=True)
    watcher.start()
    stopper.start()
    try:
        yield
    finally:
        ending.set()
        requested.set()
        stopper.join()  # perhaps for ever; the second signal still ends the process
        over.set()
        assert watcher.ident is not None
        signal.pthread_kill(watcher.ident, signal.SIGTERM)  # ends its sigwait
        woken.set()
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
