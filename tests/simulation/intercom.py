"""Intercom: it responds at random, but keeps a rate window faithfully, where the seed wants one."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from intercom_sink import AttemptResult, IntercomRequest, NoResponse, RateLimit, Response
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.testing.intercom.rate_window import RateWindow
from tests.simulation.broker import Message

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_HANG = 30.0
"""Seconds that some requests take longer, at most; half of them end without a response."""

MAX_RANDOM_RESPONSES = 400
"""Requests after which Intercom takes everything, so that each world ends."""


@dataclass(frozen=True)
class Fault:
    """A time in which every request fails alike.

    Args:
        start: when it begins.
        end: when it ends.
        status: of every response; None: there is none.
    """

    start: float
    end: float
    status: int | None


def _any_fault(random: Random, start: float) -> Fault:
    begin = start + random.uniform(0, 100)
    return Fault(begin, begin + random.choice([5, 60, 900]), random.choice([None, 401, 403, 503]))


class Intercom:
    """The server."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random
        limit = random.choice([None, random.randint(1, 12)])
        self._window = None if limit is None else RateWindow(limit)
        self._requests = 0
        self._faults = [_any_fault(random, start=300.0 * number) for number in range(random.choice([0, 0, 1, 3]))]

    def receive(self, message: Message | None, known_window: float | None) -> Callable[[], AttemptResult]:
        """Counts a request that arrives now; returns what makes the response, once it is time to respond.

        Args:
            message: what the request is for; None: `GET /me`.
            known_window: the reset of the latest window that the sink knew of when it sent the request.
        """
        self._requests += 1
        fault = next((fault for fault in self._faults if fault.start <= self._world.now < fault.end), None)
        if (message is not None and message.poisonous) or (fault is not None and fault.status is None):
            return lambda: NoResponse("no response")
        if fault is not None and fault.status is not None:
            response = Response(fault.status)
            return lambda: response
        if self._window is None:
            result = self._result(message, RateLimit(retry_after=self._random.uniform(0, 90)))
            return lambda: result
        admission = self._window.admit(self._world.now)
        self._world.promises.check_admission(admission.admitted, admission.reset_at, known_window)

        def respond() -> AttemptResult:
            reported = RateLimit(
                math.floor(self._world.now), admission.reset_at, None, admission.limit, admission.remaining
            )
            return self._result(message, reported) if admission.admitted else Response(429, reported)

        return respond

    def _result(self, message: Message | None, reported: RateLimit) -> AttemptResult:
        random = self._random
        if message is None or self._requests > MAX_RANDOM_RESPONSES:
            return Response(200, reported)
        match random.choice(["2xx", "2xx", "404", "4xx", "429", "5xx", "5xx", "5xx", "none"]):
            case "2xx":
                return Response(random.choice([200, 201, 204]), reported)
            case "404":
                return Response(404, reported)
            case "4xx":
                return Response(random.choice([301, 400, 401, 403, 409, 422]), reported)
            case "429":
                remaining = random.choice([None, None, 5])
                return Response(429, RateLimit(retry_after=random.uniform(0, 90), remaining=remaining))
            case "5xx":
                return Response(random.choice([500, 502, 503]), reported)
        return NoResponse("no response")


class Gateway:
    """IntercomGateway of one process, over a network that takes its time."""

    def __init__(self, world: "World", intercom: Intercom, random: Random) -> None:
        self._world = world
        self._intercom = intercom
        self._random = random
        self._slow = random.choice([0.0, 0.0, 0.2])

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        if request.path == "/me":
            return self._send_me()
        world, promises = self._world, self._world.promises
        delivery = world.broker.deliveries[int(request.path.rpartition("/")[2])]
        number = delivery.message.number
        promises.check_send(delivery)
        world.note(f"message {number} sent")
        known_window = promises.known_window
        sent_at = world.now
        self._travel()
        world.step(f"while message {number} is on its way")
        respond = self._intercom.receive(delivery.message, known_window)
        arrived_at = world.now
        if self._random.random() < self._slow:
            self._wait(self._random.uniform(0, MAX_HANG))
            respond = self._random.choice([respond, _time_out])
        self._travel()
        result = respond()
        promises.note_response(arrived_at, result)
        self._travel()
        delivery.results.append(result)
        delivery.ended_at = world.now
        promises.note_result(delivery, result)
        world.note(f"message {number}: {result.status if isinstance(result, Response) else result.reason}")
        world.step(f"as the result of message {number} arrives, sent at {sent_at:.2f}")
        promises.note_end(delivery)
        return result

    def _send_me(self) -> AttemptResult:
        world, promises = self._world, self._world.promises
        promises.check_send_me()
        world.note("GET /me sent")
        known_window = promises.known_window
        self._travel()
        respond = self._intercom.receive(None, known_window)
        arrived_at = world.now
        self._travel()
        result = respond()
        promises.note_response(arrived_at, result)
        self._travel()
        promises.note_me(result)
        world.note(f"GET /me: {result.status if isinstance(result, Response) else result.reason}")
        world.step("as the result of GET /me arrives")
        promises.note_end_me()
        return result

    def close(self) -> None:
        """Nothing is open."""

    def _travel(self) -> None:
        self._wait(self._random.uniform(0, 0.5))

    def _wait(self, seconds: float) -> None:
        self._world.scheduler.wait(seconds, condition=lambda: False)


def _time_out() -> AttemptResult:
    return NoResponse("no response in time")
