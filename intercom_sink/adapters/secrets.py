"""Secrets: passwords and tokens, fixed or in a file that may change."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from intercom_sink.domain.errors import IntercomSinkError

MAX_SIZE = 2**16
"""Bytes that a secret's file may have: no secret is longer, and a path to anything else is a mistake."""


class UnreadableSecret(IntercomSinkError, ValueError):
    """A secret's file can't be read, or does not hold a valid one; the text says why, and never shows it."""


class Secret(Protocol):
    """A secret that may be replaced while it is in use. Any number of threads may use it at once."""

    @property
    def value(self) -> str:
        """The current value. Does not block."""
        ...

    def reload(self) -> bool:
        """Looks for a new value; returns whether this call found one.

        Another thread may have loaded it already, so after `reload` compare `value` with the refused one. Raises
        nothing: if there is nothing valid to be read, the value stays.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedSecret:
    """A secret that stays as it is."""

    value: str = field(repr=False)

    def reload(self) -> bool:
        """False: there is never a new value."""
        return False


class FileSecret:
    """The content of a file, as text in UTF-8, without the white space around it.

    Args:
        path: the file.
        check: raises ValueError for a text that can't be such a secret; the error's text must not show it.

    Raises:
        UnreadableSecret: the file can't be read, is empty, or fails the check.
    """

    def __init__(self, path: Path | str, check: Callable[[str], object] | None = None) -> None:
        self._path = Path(path)
        self._check = check
        self._lock = threading.Lock()
        self._value = self._read()

    @property
    def value(self) -> str:
        """What the file held when it was last read and valid."""
        return self._value

    def reload(self) -> bool:
        """Reads the file again; returns whether this call found a new value."""
        with self._lock:
            try:
                value = self._read()
            except UnreadableSecret:  # such as a file that is being replaced
                return False
            changed, self._value = value != self._value, value
            return changed

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_SIZE + 1)
        except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
            reason = getattr(error, "strerror", None) or str(error)
            raise UnreadableSecret(f"the file {str(self._path)!a} can't be read: {reason}") from None
        try:
            if len(content) > MAX_SIZE:
                raise ValueError(f"has over {MAX_SIZE} bytes")
            text = _decode(content).strip()
            if not text:
                raise ValueError("is empty")
            if self._check is not None:
                self._check(text)
        except ValueError as error:
            raise UnreadableSecret(f"the file {str(self._path)!a} {error}") from None  # its cause might show it
        return text


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8") from None
