import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intercom_sink.adapters.rabbitmq.unacked_tags import Ack, UnackedTags


class Channel:
    """The broker's side: refuses an ack of a tag that is not unacked, as RabbitMQ does.

    Attributes:
        unacked: the tags that are not acked, in their order.
        acks: how many acks arrived.
    """

    def __init__(self) -> None:
        self.unacked: list[int] = []
        self.acks = 0

    def receive(self, ack: Ack) -> None:
        assert ack.tag in self.unacked, f"unknown delivery tag {ack.tag}"
        self.acks += 1
        self.unacked = [tag for tag in self.unacked if not (tag == ack.tag or (ack.multiple and tag < ack.tag))]


def deliver(number: int) -> UnackedTags:
    tags = UnackedTags()
    for tag in range(1, number + 1):
        tags.add(tag)
    return tags


@pytest.mark.parametrize(
    ("settled", "acks"),
    [
        ([1], [Ack(1, False)]),
        ([2], [Ack(2, False)]),
        ([2, 1], [Ack(2, True)]),
        ([1, 2, 3, 5, 8], [Ack(5, False), Ack(8, False), Ack(3, True)]),
        ([1, 2, 3, 4, 5, 6, 7, 8], [Ack(8, True)]),
        ([], []),
    ],
)
def test_tags_below_the_lowest_unsettled_one_share_an_ack(settled: list[int], acks: list[Ack]) -> None:
    assert deliver(8).settle(settled) == acks


def test_no_ack_is_for_a_tag_that_was_acked_earlier() -> None:
    """1 and 2 may be acked up to 2, but not up to 3."""
    tags = deliver(4)
    assert tags.settle([3]) == [Ack(3, False)]
    assert tags.settle([1, 2]) == [Ack(2, True)]


def test_range_may_include_tags_that_were_acked_earlier() -> None:
    tags = deliver(4)
    assert tags.settle([2]) == [Ack(2, False)]
    assert tags.settle([3, 1]) == [Ack(3, True)]


@given(st.data(), st.integers(1, 40))
@example(None, 1)
def test_exactly_the_settled_tags_are_acked(data: st.DataObject | None, window: int) -> None:
    """Whatever the order in which deliveries are settled and flushed, and arrive meanwhile."""
    tags, channel = UnackedTags(), Channel()
    open_tags: list[int] = []
    settled: list[int] = []
    steps = "dsf" if data is None else data.draw(st.text("dddsssf", max_size=150))
    last = 0
    for step in steps:
        if step == "d" and len(channel.unacked) < window:
            last += 1
            tags.add(last)
            channel.unacked.append(last)
            open_tags.append(last)
        elif step == "s" and open_tags:
            index = 0 if data is None else data.draw(st.integers(0, len(open_tags) - 1))
            settled.append(open_tags.pop(index))
        elif step == "f":
            before = channel.acks
            for ack in tags.settle(settled):
                channel.receive(ack)
                assert set(channel.unacked) >= set(open_tags), "a message was acked that was not settled"
            assert channel.unacked == sorted(open_tags)
            prefix = [tag for tag in settled if tag < min(open_tags, default=last + 1)]
            assert channel.acks - before == len(settled) - len(prefix) + bool(prefix)
            settled.clear()
