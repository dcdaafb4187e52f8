"""The queue: a MessageSource that drains it, and deliveries whose connection may be lost at any step."""

import math
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from intercom_sink import AttemptResult, DeadLetter, IntercomRequest, encode
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.policy import PolicyOptions

if TYPE_CHECKING:
    from tests.simulation.world import World

PREFETCH = 3
"""Deliveries for each request that may be in flight."""

_KEYS: list[list[str | None]] = [[None], ["a", "b", "c"], [None, "a", "b", "c", "d", "e", "f", "g"]]


class Message:
    """A message of the queue, and what became of it.

    Attributes:
        malformed: whether its body is no request.
        poisonous: whether Intercom never responds to it.
        deliveries: how often it was delivered.
        settled: how the sink took it off the queue, as far as it knows; None: it did not, or the ack was lost.
        ack_lost_at: when the connection was lost with its ack on the way.
        removed: the same as `settled`, once the broker has the ack.
    """

    def __init__(self, number: int, key: str | None, malformed: bool, poisonous: bool) -> None:
        self.number = number
        self.key = key
        self.malformed = malformed
        self.poisonous = poisonous
        self.deliveries = 0
        self.settled: str | None = None
        self.ack_lost_at = -math.inf
        self.removed: str | None = None


class Delivery:
    """One delivery of one message, and the results of its attempts.

    Its request names the delivery, so the gateway knows which one it is sent by.
    """

    def __init__(self, world: "World", message: Message) -> None:
        self.message = message
        self.number = len(world.broker.deliveries)
        self.envelope = Envelope(message.key)
        self.redelivered = message.deliveries > 0
        self.delivered_at = world.now
        self.lost_at = math.inf
        self.results: list[AttemptResult] = []
        self.sent_at = self.ended_at = -math.inf
        self.body = (
            b"\xc1" if message.malformed else encode(IntercomRequest("POST", f"/deliveries/{self.number}", {"x": 1}))
        )
        self._world = world
        message.deliveries += 1

    def is_lost(self) -> bool:
        return self.lost_at <= self._world.now

    def ack(self) -> None:
        world = self._world
        world.let_others_run()
        world.step(f"before the ack of {self.message.number}")
        world.promises.check_ack(self)
        self._remove("acked")

    def give_up(self, dead_letter: DeadLetter) -> bool:
        world = self._world
        world.let_others_run()
        world.step(f"before message {self.message.number} is given up", may_raise=True)
        world.promises.check_give_up(self, dead_letter)
        if not self.is_lost():
            world.step(f"between the dead letter of {self.message.number} and its ack")
        self._remove(f"given up: {dead_letter.reason}")
        return not self.is_lost()

    def _remove(self, how: str) -> None:
        world, message = self._world, self.message
        world.note(f"message {message.number} {how}{' (lost)' if self.is_lost() else ''}")
        if self.is_lost():
            return
        world.check(message.settled is None, f"message {message.number} is removed twice")
        message.settled = how
        world.broker.channel.settle(self)
        world.step(f"after message {message.number} was {how}")


class Broker:
    """One queue.

    Attributes:
        messages: every message that was ever in the queue, in its order.
        ready: those that are not delivered.
        deliveries: every delivery so far.
        channel: the present connection.
    """

    def __init__(self, world: "World", random: Random, concurrency: int, options: PolicyOptions) -> None:
        self._world = world
        keys = random.choice(_KEYS)
        count = random.randint(1, 8) if concurrency == 1 else random.randint(1, 24)
        poisonous = 0.1 if options.hold and options.dead_letters and random.random() < 0.5 else 0.0
        self.messages = [
            Message(number, random.choice(keys), random.random() < 0.1, random.random() < poisonous)
            for number in range(count)
        ]
        self.ready = deque(self.messages)
        self.deliveries: list[Delivery] = []
        self.channel = world.make_channel()

    def deliver(self) -> Delivery:
        delivery = Delivery(self._world, self.ready.popleft())
        self.deliveries.append(delivery)
        self.channel.add(delivery)
        return delivery

    def lose_connection(self) -> None:
        """Every unacked message is ready again, in its old place."""
        lost = self.channel.lose()
        self.channel = self._world.make_channel()
        requeued = sorted((delivery.message for delivery in lost), key=lambda message: message.number)
        self.ready.extendleft(reversed(requeued))
        for delivery in lost:
            delivery.lost_at = self._world.now
            if delivery.message.settled is not None:
                delivery.message.settled, delivery.message.ack_lost_at = None, self._world.now


class Source:
    """MessageSource of one process."""

    def __init__(self, world: "World", concurrency: int) -> None:
        self._world = world
        self._prefetch = PREFETCH * concurrency
        self._stopped = False
        self._interrupted = False
        self._on_lost: Callable[[], None] = lambda: None

    def on_lost(self, callback: Callable[[], None]) -> None:
        self._on_lost = callback

    def receive(self) -> Delivery | None:
        world = self._world
        world.step("before a message is received", may_raise=True)
        world.scheduler.wait(math.inf, condition=self._may_return)
        if self._stopped or self._interrupted or self._is_drained():
            self._interrupted = False
            return None
        delivery = world.broker.deliver()
        world.note(f"message {delivery.message.number} delivered, key {delivery.envelope.ordering_key}")
        world.step(f"after message {delivery.message.number} was received")
        return delivery

    def interrupt(self) -> None:
        self._interrupted = True

    def requeue(self) -> None:
        self._world.promises.check_requeue()
        self._interrupted = False
        self._world.broker.channel.flush()
        self.lose_connection()
        self._world.note("every message requeued")

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        if not self._world.scheduler.dead:
            self._world.broker.channel.flush()
            self._world.broker.lose_connection()

    def lose_connection(self) -> None:
        self._world.broker.lose_connection()
        self._on_lost()

    def _may_return(self) -> bool:
        return self._stopped or self._interrupted or self._may_deliver() or self._is_drained()

    def _may_deliver(self) -> bool:
        return bool(self._world.broker.ready) and len(self._world.broker.channel.unacked) < self._prefetch

    def _is_drained(self) -> bool:
        return not (self._world.broker.ready or self._world.broker.channel.unacked)
