"""`intercom-sink dead-letters`: list, replay and drop, as an operator types them."""

import pytest

from intercom_sink import decode
from intercom_sink.entrypoints.output import counted
from intercom_sink.testing.intercom import FakeIntercom, error, reply
from tests.support.dead_letters import PREFIX, get_with_properties, list_json, run_dead_letters
from tests.support.messages import message
from tests.support.processes import Completed, StartSink, run_command, run_on_terminal
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.replays import assert_replay_survives_kills


def assert_refused(done: Completed, complaint: str) -> None:
    """The command could not do what it was asked for: exit code 1, and one line on standard error."""
    assert done.returncode == 1
    assert done.stderr == f"{complaint}\n"


@pytest.fixture
def filled(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> DeadLetterQueue:
    """/contacts/1 rejected by 400, /contacts/2 by 401, /contacts/3 by two 5xx, a malformed one, /contacts/5 by 400."""
    intercom.script += [error(400, "bad"), error(401, "unauthorized"), reply(500), reply(502), error(400, "bad")]
    queue.publish(*BODIES)
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    return dead_letters


BODIES = [message(1), message(2), message(3), b"malformed", message(5)]


def test_list_shows_a_table_oldest_first_and_changes_nothing(filled: DeadLetterQueue) -> None:
    metadata = list_json(filled)
    assert [each["number"] for each in metadata] == [1, 2, 3, 4, 5]
    done = run_dead_letters(filled, "list")
    assert done.returncode == 0, done.stderr
    head, *rows, count = done.stdout.splitlines()
    assert head.split() == ["#", "given-up,", "UTC", "reason", "status", "request:", "errors"]
    assert [[row.split()[0], *row.split()[3:]] for row in rows] == [
        ["1", "rejected", "400", "POST", "/contacts/1:", "bad"],
        ["2", "rejected", "401", "POST", "/contacts/2:", "unauthorized"],
        ["3", "server-error", "502", "POST", "/contacts/3"],
        ["4", "malformed", "-", *str(metadata[3]["detail"]).split()],
        ["5", "rejected", "400", "POST", "/contacts/5:", "bad"],
    ]
    assert all(len(line) <= 80 for line in (head, *rows[:3], count))
    assert count == "5 of 5 dead letters"
    assert filled.take_bodies() == BODIES


@pytest.mark.parametrize(
    ("filters", "matching"),
    [
        ([], [0, 1, 2, 3, 4]),
        (["--reason", "rejected"], [0, 1, 4]),
        (["--status", "400"], [0, 4]),
        (["--path", "/contacts/3"], [2]),
        (["--reason", "malformed"], [3]),
        (["--reason", "rejected", "--limit", "2"], [0, 1]),
        (["--status", "418"], []),
    ],
)
def test_filters_select_what_is_listed_and_replayed(
    filled: DeadLetterQueue, queue: Queue, filters: list[str], matching: list[int]
) -> None:
    """The rest stays, in order; a dry run changes nothing."""
    selected = [BODIES[index] for index in matching]
    rest = [body for body in BODIES if body not in selected]
    assert len(list_json(filled, *filters)) == len(selected)
    dry = run_dead_letters(filled, "replay", "--dry-run", *filters)
    assert dry.stdout.splitlines()[-1] == counted(len(selected), "matching dead letter")
    assert (queue.depth, filled.depth) == (0, 5)
    done = run_dead_letters(filled, "replay", *filters)
    assert (done.returncode, done.stdout) == (0, f"replayed {counted(len(selected), 'dead letter')}\n"), done.stderr
    assert queue.take_bodies() == selected
    assert filled.take_bodies() == rest


def test_replay_to_another_queue_removes_the_headers(filled: DeadLetterQueue, queue: Queue) -> None:
    other = Queue(queue.url)
    other.declare()
    done = run_dead_letters(filled, "replay", "--to", other.name, "--limit", "1")
    assert done.returncode == 0, done.stderr
    properties, body = get_with_properties(other)
    assert decode(body).path == "/contacts/1"
    assert not [name for name in properties.headers or {} if name.startswith(PREFIX)]
    other.delete()


def test_replay_refuses_a_target_queue_that_does_not_exist(filled: DeadLetterQueue, queue: Queue) -> None:
    """It declares none: nothing would consume one with a mistyped name."""
    other = Queue(queue.url)
    assert_refused(run_dead_letters(filled, "replay", "--to", other.name), f"there is no queue {other.name}")
    assert filled.depth == 5


def test_replay_refuses_a_source_queue_that_was_deleted(filled: DeadLetterQueue, queue: Queue) -> None:
    queue.delete()
    assert_refused(run_dead_letters(filled, "replay"), f"there is no queue {queue.name}")
    assert filled.depth == 5


def test_replay_refuses_a_dead_letter_that_names_no_source_queue(dead_letters: DeadLetterQueue, queue: Queue) -> None:
    """Such as one that another program has put there; it can be replayed to a queue that the operator names."""
    dead_letters.declare()
    dead_letters.publish(message(1))
    complaint = "a dead letter does not name the queue it came from; name one with --to"
    assert_refused(run_dead_letters(dead_letters, "replay"), complaint)
    assert (queue.depth, dead_letters.depth) == (0, 1)
    done = run_dead_letters(dead_letters, "replay", "--to", queue.name)
    assert (done.returncode, done.stdout) == (0, "replayed 1 dead letter\n"), done.stderr
    assert queue.take_bodies() == [message(1)]


@pytest.mark.parametrize(
    "arguments", [["show", "1"], ["export", "-"], ["replay"], ["drop"], ["drop", "--yes"]], ids=" ".join
)
def test_dead_letter_queue_that_does_not_exist_is_an_error(queue: Queue, arguments: list[str]) -> None:
    missing = DeadLetterQueue(queue)
    assert_refused(run_dead_letters(missing, *arguments), f"there is no queue {missing.name}")


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_list_of_a_queue_that_does_not_exist_is_no_error(queue: Queue, options: list[str]) -> None:
    """The sink declares it with the first dead letter. What is not JSON does not stand where JSON is expected."""
    missing = DeadLetterQueue(queue)
    done = run_dead_letters(missing, "list", *options)
    assert done.returncode == 0
    said = f"no dead letters yet: there is no queue {missing.name}\n"
    assert (done.stdout, done.stderr) == (("", said) if options else (said, ""))


@pytest.mark.parametrize("limit", ["-1", "0", "1.5", "many"])
def test_limit_must_be_a_whole_number_from_1(queue: Queue, limit: str) -> None:
    done = run_dead_letters(DeadLetterQueue(queue), "list", "--limit", limit)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"argument --limit: '{limit}' is not a whole number from 1")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", "\udce9", "é" * 128], ids=["empty", "not UTF-8", "too long"])
def test_replay_refuses_what_no_queue_can_be_called(dead_letters: DeadLetterQueue, name: str) -> None:
    done = run_dead_letters(dead_letters, "replay", "--to", name)
    assert done.returncode == 2
    assert "argument --to: " in done.stderr.splitlines()[-1]


def test_dead_letter_queue_must_be_named(queue: Queue) -> None:
    done = run_command("dead-letters", "list", **queue.variables)
    assert (done.returncode, done.stderr) == (2, "CJW_INTERCOM_DEAD_LETTER_QUEUE: is required\n")


def test_drop_deletes_what_matches_after_a_question(filled: DeadLetterQueue) -> None:
    for answer in ("", "n\n", "nonsense\n"):
        done = run_dead_letters(filled, "drop", "--reason", "malformed", stdin=answer)
        assert done.returncode == 1
        assert "Delete 1 dead letter " in done.stdout
        assert "nothing was deleted" in done.stdout
    assert filled.depth == 5
    done = run_dead_letters(filled, "drop", "--reason", "malformed", stdin="y\n")
    assert done.returncode == 0
    assert done.stdout.endswith("deleted 1 dead letter\n")
    assert run_dead_letters(filled, "drop", "--yes", "--status", "400").stdout == "deleted 2 dead letters\n"
    assert filled.take_bodies() == [message(2), message(3)]


@pytest.mark.parametrize(
    ("arguments", "doing", "code"),
    [(["export", "/dev/null"], "exporting", 1), (["replay"], "replaying", 0), (["drop", "--yes"], "deleting", 0)],
)
def test_long_work_shows_its_progress_on_a_terminal(
    filled: DeadLetterQueue, arguments: list[str], doing: str, code: int
) -> None:
    """`export` fails: it leaves a malformed one out."""
    returned, shown = run_on_terminal("dead-letters", *arguments, **filled.variables)
    assert returned == code, shown
    assert f"{doing}: 100%" in shown
    assert "5/5" in shown


def test_replay_that_is_killed_at_any_moment_loses_nothing(queue: Queue, dead_letters: DeadLetterQueue) -> None:
    assert_replay_survives_kills(400, 1, queue, dead_letters)
