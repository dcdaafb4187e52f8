"""Thousands of dead letters, replayed while the sink runs."""

from testbed.intercom import Intercom
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.replays import assert_replayed_while_the_sink_runs


def test_10000_dead_letters_are_replayed_while_the_sink_runs(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: Intercom, start_sink: StartSink
) -> None:
    assert_replayed_while_the_sink_runs(10_000, queue, dead_letters, intercom, start_sink)
