"""What is measured together."""

from benchmarks.cases import Case, Group
from benchmarks.catalogue import AIO_PIKA, SINK
from benchmarks.measure import batches


def test_idle_contenders_are_measured_together_and_every_other_case_alone() -> None:
    speed = [Case(Group.SPEED, contender.name, 1, 0, 10) for contender in (SINK, AIO_PIKA)]
    idle = [Case(Group.IDLE, contender.name, 1, 0, seconds=10) for contender in (SINK, AIO_PIKA)]
    assert list(batches([*speed, *idle, *speed])) == [[speed[0]], [speed[1]], idle, [speed[0]], [speed[1]]]
