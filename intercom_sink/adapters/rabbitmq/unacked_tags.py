"""The delivery tags of one channel that are not acked yet, and the fewest acks for those that are settled."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Ack(NamedTuple):
    """One `Basic.Ack`.

    Args:
        tag: the delivery tag.
        multiple: whether it acks every unacked delivery up to this tag, and not this one alone.
    """

    tag: int
    multiple: bool


class UnackedTags:
    """The tags of the deliveries that are not acked yet. Not thread-safe.

    Deliveries are settled in any order. Those below the lowest tag that is not settled share one ack; each of the
    others has an ack of its own:

        delivered   1 2 3 4 5 6 7 8
        settled     1 2 3   5     8
        acks        up to 3; 5; 8
    """

    def __init__(self) -> None:
        self._tags: set[int] = set()

    def add(self, tag: int) -> None:
        """Adds a delivery."""
        self._tags.add(tag)

    def settle(self, tags: Sequence[int]) -> list[Ack]:
        """Removes the tags of settled deliveries; returns the acks for exactly these.

        Each tag may be settled once only: a broker closes the channel over a tag that is acked already.
        """
        self._tags.difference_update(tags)
        lowest_unsettled = min(self._tags, default=math.inf)
        together = [tag for tag in tags if tag < lowest_unsettled]
        acks = [Ack(tag, multiple=False) for tag in tags if tag > lowest_unsettled]
        if together:
            acks.append(Ack(max(together), multiple=len(together) > 1))
        return acks
