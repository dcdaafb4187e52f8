import pytest

from intercom_sink.adapters.rabbitmq.ack_batch import ACK_BATCH_INTERVAL, AckBatch
from tests.unit.adapters.rabbitmq.fake_broker import FakeLoop


class Batch(AckBatch):
    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.sent: list[list[int]] = []
        super().__init__(self.loop, self.sent.append)


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
