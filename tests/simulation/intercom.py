"""Intercom: it responds at random, but keeps a rate window faithfully, where the seed wants one."""

import math
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from intercom_sink import AttemptResult, IntercomRequest, NoResponse, RateLimit, Response
from testbed.rate_window import RateWindow

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_RANDOM_RESPONSES = 400
"""Requests after which Intercom takes everything, so that each world ends."""


class Intercom:
    """The server."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random
        limit = random.choice([None, random.randint(1, 12)])
        self._window = None if limit is None else RateWindow(limit)
        self._requests = 0

    def receive(self, known_window: float | None) -> Callable[[], AttemptResult]:
        """Counts a request that arrives now; returns what makes the response, once it is time to respond.

        Args:
            known_window: the reset of the latest window that the sink knew of when it sent the request.
        """
        self._requests += 1
        if self._window is None:
            result = self._any_result(RateLimit(retry_after=self._random.uniform(0, 90)))
            return lambda: result
        admission = self._window.admit(self._world.now)
        self._world.promises.check_admission(admission.admitted, admission.reset_at, known_window)

        def respond() -> AttemptResult:
            reported = RateLimit(
                math.floor(self._world.now), admission.reset_at, None, admission.limit, admission.remaining
            )
            return self._any_result(reported) if admission.admitted else Response(429, reported)

        return respond

    def _any_result(self, reported: RateLimit) -> AttemptResult:
        random = self._random
        if self._requests > MAX_RANDOM_RESPONSES:
            return Response(200, reported)
        match random.choice(["2xx", "2xx", "404", "4xx", "429", "5xx", "5xx", "5xx", "none"]):
            case "2xx":
                return Response(random.choice([200, 201, 204]), reported)
            case "404":
                return Response(404, reported)
            case "4xx":
                return Response(random.choice([301, 400, 401, 409, 422]), reported)
            case "429":
                return Response(429, RateLimit(retry_after=random.uniform(0, 90)))
            case "5xx":
                return Response(random.choice([500, 502, 503]), reported)
        return NoResponse("no response")


class Gateway:
    """IntercomGateway of one process, over a network that takes its time."""

    def __init__(self, world: "World", intercom: Intercom, random: Random) -> None:
        self._world = world
        self._intercom = intercom
        self._random = random

    def send(self, request: IntercomRequest) -> AttemptResult:
        world, promises = self._world, self._world.promises
        delivery = world.broker.deliveries[int(request.path.rpartition("/")[2])]
        number = delivery.message.number
        promises.check_send(delivery)
        world.note(f"message {number} sent")
        known_window = promises.known_window
        sent_at = world.now
        self._travel()
        world.step(f"while message {number} is on its way")
        respond = self._intercom.receive(known_window)
        arrived_at = world.now
        self._travel()
        result = respond()
        promises.note_response(arrived_at, result)
        self._travel()
        delivery.results.append(result)
        promises.note_result(delivery, result)
        world.note(f"message {number}: {result.status if isinstance(result, Response) else result.reason}")
        world.step(f"as the result of message {number} arrives, sent at {sent_at:.2f}")
        promises.note_end(delivery)
        return result

    def close(self) -> None:
        """Nothing is open."""

    def _travel(self) -> None:
        self._world.scheduler.wait(self._random.uniform(0, 0.5), condition=lambda: False)
