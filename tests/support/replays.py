"""Replays of dead letters while the sink runs."""

import subprocess

from testbed.intercom import Intercom, error
from tests.support.messages import messages, numbers
from tests.support.processes import PROGRAM, StartSink, environment_with
from tests.support.queues import DeadLetterQueue, Queue


def assert_replayed_while_the_sink_runs(
    count: int, queue: Queue, dead_letters: DeadLetterQueue, intercom: Intercom, start_sink: StartSink
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
    intercom.wait_for_requests(count)
    assert sink.stop() == 0
    assert sorted(numbers(intercom)) == list(range(count))
    assert queue.take_all() == []
    assert len(dead_letters.take_bodies()) == 1
