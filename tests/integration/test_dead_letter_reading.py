"""`dead-letters show` and `export`, as an operator types them; and `replay` while the sink runs."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pika
import pytest

from intercom_sink.testing.intercom import FakeIntercom, error
from tests.support.dead_letters import list_json, run_dead_letters
from tests.support.messages import message
from tests.support.processes import PROGRAM, StartSink, environment_with, run_command
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.raw_properties import publish_raw
from tests.support.replays import assert_replayed_while_the_sink_runs


@pytest.fixture
def filled(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> DeadLetterQueue:
    """/contacts/1 rejected, with a message id and an ordering key; a malformed one; /contacts/3 rejected."""
    intercom.default = error(422, "parameter_invalid")
    known = pika.BasicProperties(message_id="m1", headers={"x-ordering-key": "account 1", "own": 1})
    publish_raw(queue, (message(1), known), (b'{"method": "POST"}', pika.BasicProperties()))
    queue.publish(message(3))
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    return dead_letters


def test_show_prints_the_whole_letter_and_changes_nothing(filled: DeadLetterQueue) -> None:
    done = run_dead_letters(filled, "show", "1")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    for words in (
        ["dead", "letter", "1", "of", "3"],
        ["reason", "rejected"],
        ["status", "422"],
        ["error-codes", '["parameter_invalid"]'],
        ["message_id", "m1"],
        ["x-ordering-key", "account", "1"],
        ['"path":', '"/contacts/1",'],
        ['"number":', "1"],
    ):
        assert words in lines
    metadata = list_json(filled)
    assert (metadata[0]["message-id"], metadata[0]["ordering-key"]) == ("m1", "account 1")
    assert "JSON" in metadata[1]["detail"]
    assert filled.depth == 3


def test_show_prints_a_malformed_message_and_what_is_wrong(filled: DeadLetterQueue) -> None:
    done = run_dead_letters(filled, "show", "2")
    assert done.returncode == 0, done.stderr
    assert '  {"method": "POST"}\n' in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines() if "JSON" in line] == ["detail", "message,"]


@pytest.mark.parametrize(("number", "code"), [("4", 1), ("0", 2), ("one", 2)])
def test_show_of_no_dead_letter_is_refused(filled: DeadLetterQueue, number: str, code: int) -> None:
    done = run_dead_letters(filled, "show", number)
    assert done.returncode == code
    assert number in done.stderr
    assert "Traceback" not in done.stderr


def test_export_is_read_back_by_publish(filled: DeadLetterQueue, queue: Queue, tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    done = run_dead_letters(filled, "export", str(file))
    assert (done.returncode, done.stdout) == (1, ""), "one is malformed"
    assert done.stderr == (
        "exported 2 dead letters; left out 1 that `publish` can't read, "
        "and that `drop` with the same filters would delete\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it may name people"
    published = run_command("publish", str(file), **queue.variables)
    assert published.returncode == 0, published.stderr
    assert queue.take_all_with_keys() == [(message(1), "account 1"), (message(3), None)]
    assert filled.depth == 3


def test_drop_after_an_export_deletes_what_was_exported(filled: DeadLetterQueue, tmp_path: Path) -> None:
    """As docs/how-to/replay-dead-letters.md has it: by the filters and the count of an export that exited with 0."""
    done = run_dead_letters(filled, "export", "--reason", "rejected", str(tmp_path / "letters.jsonl"))
    assert (done.returncode, done.stderr) == (0, "exported 2 dead letters; left out 0 that `publish` can't read\n")
    assert run_dead_letters(filled, "drop", "--reason", "rejected", "--limit", "2", "--yes").returncode == 0
    assert [each["reason"] for each in list_json(filled)] == ["malformed"]


def test_export_to_standard_output_prints_json_alone(filled: DeadLetterQueue) -> None:
    done = run_dead_letters(filled, "export", "-", "--limit", "1")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["path"] == "/contacts/1"


def test_export_replaces_no_file(filled: DeadLetterQueue, tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    file.write_text("earlier letters")
    done = run_dead_letters(filled, "export", str(file))
    assert (done.returncode, done.stderr) == (1, f"{file}: exists already\n")
    assert file.read_text() == "earlier letters"


@pytest.mark.parametrize("output", ["full", "gone"])
def test_export_that_is_not_complete_is_no_success(filled: DeadLetterQueue, output: str) -> None:
    """`dead-letters drop` may follow it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone, Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "dead-letters", "export", "-"],
            env=environment_with(filled.variables),
            stdout=full if output == "full" else gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "exported 0 dead letters, and not the rest"


@pytest.mark.parametrize("file", ["/dev/full", "/nowhere/letters.jsonl"])
def test_export_to_a_file_that_can_not_be_written_blames_the_file(filled: DeadLetterQueue, file: str) -> None:
    done = run_dead_letters(filled, "export", file)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}: No ")


def test_dead_letters_are_replayed_while_the_sink_runs(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """tests/soak does the same with 10,000."""
    assert_replayed_while_the_sink_runs(500, queue, dead_letters, intercom, start_sink)
