from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.adapters.rabbitmq.ack_batch import ACK_BATCH_INTERVAL, AckBatch
from tests.unit.adapters.rabbitmq.fake_broker import FakeLoop

SIZE = 4


class Batch(AckBatch):
    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.sent: list[list[int]] = []
        super().__init__(self.loop, self.sent.append, SIZE)


@pytest.fixture
def batch() -> Batch:
    return Batch()


def test_the_first_ack_is_flushed_at_once(batch: Batch) -> None:
    batch.add(1)
    batch.loop.run_ready()
    assert batch.sent == [[1]]


def test_acks_within_the_interval_are_flushed_together(batch: Batch) -> None:
    batch.add(1)
    batch.loop.run_ready()
    batch.add(2)
    batch.add(3)
    batch.loop.run_ready()
    assert batch.sent == [[1]]
    batch.loop.advance(ACK_BATCH_INTERVAL)
    batch.loop.run_ready()
    assert batch.sent == [[1], [2, 3]]
    assert batch.loop.wakeups == 1, "the timer flushes the second batch"


def test_after_an_interval_without_acks_the_next_one_is_flushed_at_once(batch: Batch) -> None:
    batch.add(1)
    batch.loop.run_ready()
    batch.loop.advance(ACK_BATCH_INTERVAL)
    batch.loop.run_ready()
    batch.add(2)
    batch.loop.run_ready()
    assert batch.sent == [[1], [2]]


def test_acks_that_come_before_the_loop_runs_are_one_batch(batch: Batch) -> None:
    for tag in (1, 2, 3):
        batch.add(tag)
    batch.loop.run_ready()
    assert batch.sent == [[1, 2, 3]]
    assert batch.loop.wakeups == 1


def test_a_flush_without_acks_sends_nothing(batch: Batch) -> None:
    batch.flush()
    assert batch.sent == []


def test_close_flushes_without_waiting_for_the_interval(batch: Batch) -> None:
    batch.add(1)
    batch.loop.run_ready()
    batch.add(2)
    batch.flush()
    assert batch.sent == [[1], [2]]


def test_full_batch_is_flushed_without_waiting_for_the_interval(batch: Batch) -> None:
    batch.add(1)
    batch.loop.run_ready()
    for tag in (2, 3, 4):
        batch.add(tag)
    batch.loop.run_ready()
    assert batch.sent == [[1]]
    batch.add(5)
    batch.loop.run_ready()
    assert batch.sent == [[1], [2, 3, 4, 5]]
    assert batch.loop.wakeups == 2


def test_acks_after_a_full_batch_wait_for_the_rest_of_the_interval(batch: Batch) -> None:
    """The timer of the first flush is the only one, so there are never more of them than full batches."""
    for tag in range(1, 2 + SIZE):
        batch.add(tag)
        batch.loop.run_ready()
    batch.add(6)
    batch.loop.run_ready()
    assert batch.sent == [[1], [2, 3, 4, 5]]
    assert len(batch.loop._timers) == 1
    batch.loop.advance(ACK_BATCH_INTERVAL)
    batch.loop.run_ready()
    assert batch.sent == [[1], [2, 3, 4, 5], [6]]
    assert len(batch.loop._timers) == 1


def test_acks_beyond_a_full_batch_that_is_not_flushed_yet_wake_nobody(batch: Batch) -> None:
    for tag in range(1, 4 + SIZE):
        batch.add(tag)
    assert batch.loop.wakeups == 2, "for the first, and for a full batch"
    batch.loop.run_ready()
    assert batch.sent == [[1, 2, 3, 4, 5, 6, 7]]


@given(st.lists(st.sampled_from(["add", "run", "wait"]), max_size=60))
def test_every_ack_is_flushed_once_and_within_the_interval(steps: list[str]) -> None:
    batch = Batch()
    tags = count(1)
    for step in steps:
        match step:
            case "add":
                batch.add(next(tags))
            case "run":
                batch.loop.run_ready()
            case _:
                batch.loop.advance(ACK_BATCH_INTERVAL / 2)
    batch.loop.run_ready()
    batch.loop.advance(ACK_BATCH_INTERVAL)
    batch.loop.run_ready()
    assert [tag for sent in batch.sent for tag in sent] == list(range(1, next(tags)))
