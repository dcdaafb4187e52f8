"""One connection to the queue: it tags its deliveries, and collects their acks for a while, as the real source does."""

from typing import TYPE_CHECKING

from intercom_sink.adapters.rabbitmq.unacked_tags import UnackedTags

if TYPE_CHECKING:
    from tests.simulation.broker import Delivery
    from tests.simulation.world import World

MAX_ACK_DELAY = 0.02
"""Seconds from settling a message to its ack, at most."""


class Channel:
    """The deliveries of one connection.

    Attributes:
        unacked: those that the broker knows no ack of, by their tags.
    """

    def __init__(self, world: "World", tags: UnackedTags) -> None:
        self.unacked: dict[int, Delivery] = {}
        self._world = world
        self._tags = tags
        self._last_tag = 0
        self._settled: list[int] = []

    def add(self, delivery: "Delivery") -> None:
        self._last_tag += 1
        self._tags.add(self._last_tag)
        self.unacked[self._last_tag] = delivery

    def settle(self, delivery: "Delivery") -> None:
        """The sink acks a delivery; the broker has the ack a little later."""
        self._settled.append(next(tag for tag, other in self.unacked.items() if other is delivery))
        if len(self._settled) == 1:
            self._world.scheduler.start(self._flush_later)

    def flush(self) -> None:
        """The acks that were collected reach the broker."""
        settled, self._settled = self._settled, []
        for ack in self._tags.settle(settled):
            self._world.check(ack.tag in self.unacked, f"tag {ack.tag} is acked, but not unacked")
            for tag in [tag for tag in self.unacked if tag == ack.tag or (ack.multiple and tag < ack.tag)]:
                message = self.unacked.pop(tag).message
                self._world.check(tag in settled, f"message {message.number} is acked, but not settled")
                message.removed = message.settled

    def _flush_later(self) -> None:
        self._world.scheduler.wait(self._world.random.uniform(0, MAX_ACK_DELAY), condition=lambda: False)
        self.flush()

    def lose(self) -> "list[Delivery]":
        """Returns what is unacked when the connection ends; the acks that were collected are lost."""
        lost = list(self.unacked.values())
        self.unacked.clear()
        self._settled.clear()
        return lost
