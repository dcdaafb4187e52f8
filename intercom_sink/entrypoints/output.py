"""What the commands print.

Whether a line can be printed never changes the outcome of the work that it reports. Where printing is the work, as in
a listing, `print_result` says whether it was done. A reader that has gone (`| head`) is no error. Any other output that
can't be written is reported in one line on standard error, if that can be written. Characters that the terminal's
encoding lacks are escaped.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

_Name: TypeAlias = Literal["stdout", "stderr"]


def print_line(text: str, end: str = "\n") -> bool:
    """Prints a line on standard output at once; returns whether it could be written. Raises nothing."""
    return _write("stdout", text + end) is None


def print_result(lines: Iterable[str]) -> bool:
    """Prints what a command is asked for, each line at once, until one can't be written. Raises what `lines` raises.

    Returns whether all could be written, or the reader has gone: it has read what it needs.
    """
    errors = (_write("stdout", line + "\n") for line in lines)
    error = next(filter(None, errors), None)
    return error is None or isinstance(error, BrokenPipeError)


def counted(count: int, noun: str) -> str:
    """A number with its noun, such as "1 message" or "2 messages"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def print_error(*lines: str, end: str = "\n") -> None:
    """Prints lines on standard error, if that can be written. Raises nothing."""
    _write("stderr", "".join(line + end for line in lines))


def flush_all() -> None:
    """Writes what other code has printed, such as log lines. Raises nothing.

    With anything left in a buffer that can't be written, the interpreter would end with an error and exit code 120.
    """
    _write("stdout", "")
    _write("stderr", "")


def _write(name: _Name, text: str) -> Exception | None:
    """Writes and flushes; returns the error if that fails."""
    stream = _stream(name)
    try:
        if stream is not None:
            stream.write(_encodable(text, stream))
            stream.flush()
        elif text:
            raise OSError("it is closed")
    except (OSError, ValueError) as error:
        _discard(name)
        if name == "stdout" and not isinstance(error, BrokenPipeError):
            print_error(f"standard output can't be written: {getattr(error, 'strerror', None) or error}")
        return error
    return None


def _stream(name: _Name) -> TextIO | None:
    """The stream; None: the process was started without it."""
    stream: TextIO | None = getattr(sys, name)
    return stream


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _discard(name: _Name) -> None:
    """Discards what is left in a stream's buffer, and all that is written to it from now on."""
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 it may become the stream
    stream = _stream(name)
    try:
        if stream is None:
            raise ValueError("there is no stream")
        os.dup2(nowhere.fileno(), stream.fileno())
    except (OSError, ValueError):
        setattr(sys, name, nowhere)  # there is no file to redirect
    else:
        nowhere.close()
