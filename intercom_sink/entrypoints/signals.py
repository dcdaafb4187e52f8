"""SIGTERM and SIGINT: the first stops the program gracefully, the second ends the process at once."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_END = 0
"""Read in place of the number of a signal: there is no need to wait for one any more."""


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Generator[None]:
    """Within the block, the first signal calls `stop`; a second one exits with 128 + its number.

    Only the main thread can use it. A thread in `sigwait` would not do: threads that other code has started before,
    such as those of OpenTelemetry's SDK, do not block the signals, so the kernel may give one to them, and its default
    action ends the process. So the signals have handlers.

    Python runs handlers in the main thread only, where one may interrupt code that holds the lock which `stop` needs,
    and where resolving a host name would delay even the second signal. So the handlers do nothing. Python writes the
    number of each signal to a pipe as soon as any thread takes it (`signal.set_wakeup_fd`), and a thread reads them.

    Another thread calls `stop`, which may block: it logs, and the reader of standard error may have stopped reading.
    The thread that reads the signals takes no lock that other code holds, so that nothing can delay the second one.
    """
    requested, ending = threading.Event(), threading.Event()

    def watch() -> None:
        if _next_signal(reader) is not None:
            requested.set()
            signum = _next_signal(reader)
            if signum is not None:
                os._exit(128 + signum)

    def call_stop() -> None:
        requested.wait()
        if not ending.is_set():
            stop()

    with _signals_in_a_pipe() as (reader, writer):
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
            os.write(writer, bytes([_END]))
            watcher.join()


@contextmanager
def _signals_in_a_pipe() -> Generator[tuple[int, int]]:
    """Within the block, the number of each signal can be read from a pipe, of which both ends are yielded."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wakeup_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {signum: signal.signal(signum, _ignore) for signum in _SIGNALS}
    try:
        yield reader, writer
    finally:
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)  # None: it is not Python's
        signal.set_wakeup_fd(wakeup_before)
        os.close(reader)
        os.close(writer)


def _ignore(signum: int, frame: object) -> None:
    """Its number is in the pipe."""


def _next_signal(reader: int) -> int | None:
    """Waits for SIGTERM or SIGINT; returns its number, or None at the end."""
    while True:
        (number,) = os.read(reader, 1)
        if number == _END:
            return None
        if number in _SIGNALS:  # other signals with a handler of Python's are written, too
            return number
