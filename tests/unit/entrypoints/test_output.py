"""Standard output and standard error that can't be written."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from intercom_sink.entrypoints import output


class Failing(io.StringIO):
    """A stream that can't be written."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def test_line_is_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.print_line("one")
    assert output.print_line("two? ", end="")
    assert capsys.readouterr().out == "one\ntwo? "


def test_characters_that_the_encoding_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert output.print_line("queue é \U0001f600 \udcff")
    assert raw.getvalue() == b"queue \\xe9 \\U0001f600 \\udcff\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("it is closed"), "it is closed"),
        (ValueError("I/O operation on closed file"), "I/O operation on closed file"),
    ],
)
def test_failure_is_reported_once_on_standard_error(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Failing(error))
    assert not output.print_line("one")
    assert output.print_line("two"), "it goes nowhere"
    sys.stdout.close()
    assert capsys.readouterr().err == f"standard output can't be written: {reason}\n"


def test_missing_standard_output_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output.flush_all()
    assert capsys.readouterr().err == "", "nothing was to be written"
    assert not output.print_line("one")
    sys.stdout.close()
    assert capsys.readouterr().err == "standard output can't be written: it is closed\n"


def test_reader_that_has_gone_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert not output.print_line("one")
    sys.stdout.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "done"),
    [(BrokenPipeError(errno.EPIPE, "Broken pipe"), True), (OSError(errno.ENOSPC, "No space left on device"), False)],
    ids=["gone", "full"],
)
def test_result_ends_at_the_first_line_that_can_not_be_written(
    error: OSError, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing may be long, and each of its lines costs a request to the broker."""
    lines = iter(["one", "two"])
    monkeypatch.setattr(sys, "stdout", Failing(error))
    assert output.print_result(lines) is done
    sys.stdout.close()
    assert list(lines) == ["two"]


def test_all_lines_of_a_result_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.print_result(iter(["one", "two"]))
    assert capsys.readouterr().out == "one\ntwo\n"


@pytest.mark.parametrize(("count", "text"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages")])
def test_number_is_followed_by_the_right_form_of_its_noun(count: int, text: str) -> None:
    assert output.counted(count, "message") == text


@pytest.mark.parametrize("stream", [None, Failing(OSError(errno.EIO, "Input/output error"))])
def test_standard_error_that_can_not_be_written_is_let_be(
    stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    output.print_error("one", "two")
    output.flush_all()
    sys.stderr.close()
    assert capsys.readouterr().out == "", "and not written elsewhere"


def test_what_is_left_in_a_buffer_does_not_change_the_exit_code() -> None:
    """The interpreter flushes the buffers at its end, and would exit with 120."""
    code = "sys.stdout.write('x'); sys.stderr.write('x')"
    program = f"import sys; from intercom_sink.entrypoints.output import flush_all; {code}; flush_all()"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=full, env=buffered)
    assert done.returncode == 0


def test_descriptor_stays_usable_after_a_failure() -> None:
    """Nothing else may get the number of standard output, such as a socket."""
    program = (
        "import os; from intercom_sink.entrypoints.output import print_line\nprint_line('x')\nos.write(1, b'nowhere')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
