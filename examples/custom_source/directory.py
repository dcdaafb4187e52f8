"""MessageSource over a directory.

    DIRECTORY/*.msgpack    waiting, in the order of their names
    DIRECTORY/in-flight/   delivered and not acked yet; after a crash they are delivered again, first
    DIRECTORY/done/        acked
    DIRECTORY/given-up/    given up; NAME.json beside each says why

A producer writes a file under another suffix and then renames it to `.msgpack`, so that no half-written message is
read. Names are unique, for example a time and a UUID; a name such as `0001.contact-42.msgpack` holds an ordering key.
Only one sink may read a directory.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Condition

from intercom_sink import BrokerUnavailable, DeadLetter, Envelope

SUFFIX = ".msgpack"


class FileDelivery:
    """A file that was delivered."""

    def __init__(self, source: "DirectorySource", path: Path, *, redelivered: bool) -> None:
        self._source = source
        self.path = path
        self.body = path.read_bytes()
        _, *key = path.name.removesuffix(SUFFIX).split(".", 1)
        self.envelope = Envelope("".join(key) or None, message_id=path.name, published_at=path.stat().st_mtime)
        self.redelivered = redelivered
        self.delivered_at = time.monotonic()
        self.lost = False

    def is_lost(self) -> bool:
        """Whether the file was requeued since."""
        return self.lost

    def ack(self) -> None:
        """Moves the file to `done`."""
        self._source.move(self, "done")

    def give_up(self, dead_letter: DeadLetter) -> bool:
        """Moves the file to `given-up`, after a file that says why."""
        return self._source.move(self, "given-up", dead_letter)


class DirectorySource:
    """A directory whose files are messages.

    Args:
        directory: it must exist; the folders in it are made.
        drain: end once there is no file left and every delivery is acked.
        prefetch: deliveries that are not acked, at most. All their messages are in memory.
        poll_interval: seconds after which the directory is looked at again for new files.
    """

    def __init__(self, directory: Path, *, drain: bool = False, prefetch: int = 32, poll_interval: float = 0.5) -> None:
        self._directory = directory
        self._drain = drain
        self._prefetch = prefetch
        self._poll_interval = poll_interval
        self._listed: deque[Path] = deque()
        self._unacked: list[FileDelivery] = []
        self._changed = Condition()
        self._interrupted = self._stopped = False
        self._on_lost: Callable[[], None] = lambda: None
        with _translated_errors():
            for folder in ("in-flight", "done", "given-up"):
                (directory / folder).mkdir(exist_ok=True)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Has `callback` called after each `requeue` and `close`, the only ways to lose a delivery here."""
        self._on_lost = callback

    def receive(self) -> FileDelivery | None:
        """The next file; polls the directory while there is none."""
        with self._changed:
            while not self._stopped:
                if self._interrupted:
                    self._interrupted = False
                    return None
                if len(self._unacked) < self._prefetch:
                    if (delivery := self._next()) is not None:
                        return delivery
                    if self._drain and not self._unacked:
                        return None
                self._changed.wait(self._poll_interval)
            return None

    def interrupt(self) -> None:
        """Makes one `receive` return None."""
        with self._changed:
            self._interrupted = True
            self._changed.notify_all()

    def requeue(self) -> None:
        """Forgets what was delivered: it is listed again, first and in order."""
        with self._changed:
            self._interrupted = False
            for delivery in self._unacked:
                delivery.lost = True
            self._unacked.clear()
            self._listed.clear()
        self._on_lost()

    def stop(self) -> None:
        """Makes every further `receive` return None."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Requeues every file that is not acked."""
        self.stop()
        self.requeue()

    def _next(self) -> FileDelivery | None:
        with _translated_errors():
            if not self._listed:
                self._listed.extend(self._list())
            if not self._listed:
                return None
            waiting = self._listed.popleft()
            path = waiting.replace(self._directory / "in-flight" / waiting.name)
            delivery = FileDelivery(self, path, redelivered=path == waiting)
        self._unacked.append(delivery)
        return delivery

    def _list(self) -> Iterator[Path]:
        delivered = {delivery.path for delivery in self._unacked}
        yield from sorted(set((self._directory / "in-flight").glob(f"*{SUFFIX}")) - delivered)
        yield from sorted(self._directory.glob(f"*{SUFFIX}"))

    def move(self, delivery: FileDelivery, folder: str, dead_letter: DeadLetter | None = None) -> bool:
        """Moves the file for good; returns False if its delivery is lost."""
        with self._changed, _translated_errors():
            if delivery.lost:
                return False
            target = self._directory / folder / delivery.path.name
            if dead_letter is not None:
                target.with_suffix(".json").write_text(json.dumps(asdict(dead_letter)))
            delivery.path.replace(target)
            self._unacked.remove(delivery)
            self._changed.notify_all()
            return True


@contextmanager
def _translated_errors() -> Generator[None]:
    """The sink expects this error of a source, and ends with it: whatever restarts the sink delivers again."""
    try:
        yield
    except OSError as error:
        raise BrokerUnavailable(f"the directory can't be used: {error.strerror}") from error
