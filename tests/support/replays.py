"""Replays of many dead letters."""

import signal
import subprocess

from intercom_sink import decode
from intercom_sink.testing.intercom import FakeIntercom, error, reply
from testbed.waiting import wait_until
from tests.support.dead_letters import run_dead_letters
from tests.support.messages import messages, numbers
from tests.support.processes import PROGRAM, StartSink, environment_with
from tests.support.queues import DeadLetterQueue, Queue


def assert_replayed_while_the_sink_runs(
    count: int, queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """None is lost, each is delivered once, and one that is given up again is not replayed for ever."""
    dead_letters.declare()
    dead_letters.publish(*messages(count))
    intercom.script += [error(422, "bad")]
    sink = start_sink(queue, CJW_INTERCOM_CONCURRENCY="8", **dead_letters.variables)
    done = subprocess.run(
        [*PROGRAM, "dead-letters", "replay", "--to", queue.name],
        env=environment_with(dead_letters.variables),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, f"replayed {count} dead letters\n"), done.stderr
    intercom.wait_for(count)
    assert sink.stop() == 0
    assert sorted(numbers(intercom)) == list(range(count))
    assert queue.take_all() == []
    assert len(dead_letters.take_bodies()) == 1


def assert_rejected_then_replayed(
    count: int, queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """Each is rejected and dead-lettered; replayed, each is delivered, in order."""
    intercom.default = error(422, "parameter_invalid")
    queue.publish(*messages(count))
    refused = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert refused.wait(timeout=120) == 0, refused.stderr
    assert refused.stdout == f"{count} messages processed: {count} rejected\n"
    assert (queue.depth, dead_letters.depth) == (0, count)
    intercom.default = reply(200)
    intercom.requests.clear()
    done = run_dead_letters(dead_letters, "replay")
    assert (done.returncode, done.stdout) == (0, f"replayed {count} dead letters\n"), done.stderr
    assert (queue.depth, dead_letters.depth) == (count, 0)
    delivered = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert delivered.wait(timeout=120) == 0, delivered.stderr
    assert numbers(intercom) == list(range(count)), "in order"
    assert (queue.depth, dead_letters.depth) == (0, 0)


def assert_replay_survives_kills(count: int, kills: int, queue: Queue, dead_letters: DeadLetterQueue) -> None:
    """None is lost, and there is at most one possible duplicate for each kill."""
    dead_letters.declare()
    dead_letters.publish(*messages(count))
    for _ in range(kills):
        before = queue.depth
        process = subprocess.Popen(
            [*PROGRAM, "dead-letters", "replay", "--to", queue.name],
            env=environment_with(dead_letters.variables),
            stdout=subprocess.DEVNULL,
        )
        queue.wait_for_more_than(before)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(
            lambda: dead_letters.consumers == 0 and queue.depth + dead_letters.depth >= count, "the rest to be requeued"
        )
    assert dead_letters.depth > 0, "it was killed while there was something to replay"
    assert run_dead_letters(dead_letters, "replay", "--to", queue.name).returncode == 0
    replayed = [int(decode(body).path.rpartition("/")[2]) for body in queue.take_bodies()]
    assert set(replayed) == set(range(count)), "lost = 0"
    assert len(replayed) <= count + kills
    assert dead_letters.take_all() == []
