"""Thousands of dead letters, replayed: at rest, while the sink runs, and by a process that is killed."""

import pytest

from intercom_sink.testing.intercom import FakeIntercom
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.replays import (
    assert_rejected_then_replayed,
    assert_replay_survives_kills,
    assert_replayed_while_the_sink_runs,
)

pytestmark = pytest.mark.real_processes


def test_10000_dead_letters_are_replayed_while_the_sink_runs(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    assert_replayed_while_the_sink_runs(10_000, queue, dead_letters, intercom, start_sink)


def test_1000_rejected_messages_are_replayed_in_order(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    assert_rejected_then_replayed(1000, queue, dead_letters, intercom, start_sink)


def test_replay_that_is_killed_five_times_loses_nothing(queue: Queue, dead_letters: DeadLetterQueue) -> None:
    assert_replay_survives_kills(2000, 5, queue, dead_letters)
