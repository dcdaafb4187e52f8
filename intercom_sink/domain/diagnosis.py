"""Finds out whether the message, the token or Intercom is at fault for a failure, by sending `GET /me`.

A 401 may mean that this message is not allowed, or that the token was revoked and every message will fail. A repeated
server error, or no response, may be caused by this message, or by an outage. `GET /me` needs nothing but a valid token:

    | `GET /me`              | at fault                          |
    |------------------------|-----------------------------------|
    | 2xx                    | the message                       |
    | 401, 403               | the token                         |
    | any other, no response | Intercom, or the network to it    |

A 429 proves nothing about the fault. It is treated like any other response, as Intercom's: a hold loses nothing, and a
wrong verdict on the message would. The next `GET /me`, in a hold too, waits as long as the 429 asks for.
"""

from collections.abc import Callable
from enum import StrEnum

from intercom_sink.domain.ports import Clock, IntercomGateway
from intercom_sink.domain.rate_limit import retry_delay
from intercom_sink.domain.rate_limiter import RateLimiter
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult, Response

GET_ME = IntercomRequest("GET", "/me")
"""Asks who owns the token: needs no permission besides a valid token."""


class Fault(StrEnum):
    """What is at fault."""

    MESSAGE = "message"
    TOKEN = "token"  # noqa: S105 no secret
    INTERCOM = "intercom"


def fault_of(result: AttemptResult) -> Fault:
    """What is at fault, by the result of `GET /me`."""
    match result:
        case Response(status=status) if 200 <= status <= 299:
            return Fault.MESSAGE
        case Response(status=401 | 403):
            return Fault.TOKEN
        case _:
            return Fault.INTERCOM


class Diagnoser:
    """Finds out what is at fault by sending `GET /me`, one request at a time, for any number of threads.

    A caller that arrives while a request is in flight shares its result, unless that request was sent before the call
    and succeeds: it may be older than the caller's failure, so it proves nothing, and the caller sends another.

    Args:
        gateway: sends the request.
        limiter: grants its permit: it counts against the rate window like any other.
        clock: supplies the time, and the condition to wait on.
    """

    def __init__(self, gateway: IntercomGateway, limiter: RateLimiter, clock: Clock) -> None:
        self._gateway = gateway
        self._limiter = limiter
        self._clock = clock
        self._condition = clock.condition()
        self._is_diagnosing = False
        self._sent = self._answered = self._ended = 0
        self._limited_until = 0.0
        self._fault: Fault | None = None

    def diagnose(self, cancelled: Callable[[], bool]) -> Fault | None:
        """What is at fault now; None if `cancelled()` is true before there is a result.

        A caller that shares a request checks `cancelled` only once that request has ended.
        """
        with self._condition:
            needed = self._sent + 1
            while self._is_diagnosing:
                ended = self._ended
                while self._ended == ended:
                    self._condition.wait()
                if cancelled():
                    return None
                if self._fault in (Fault.TOKEN, Fault.INTERCOM) or (self._fault and self._answered >= needed):
                    return self._fault
            self._is_diagnosing = True
        fault = None
        try:
            result = self.send_get_me(cancelled)
            fault = None if result is None else fault_of(result)
        finally:
            with self._condition:
                self._is_diagnosing, self._fault, self._answered = False, fault, self._sent
                self._ended += 1
                self._condition.notify_all()
        return fault

    def send_get_me(self, cancelled: Callable[[], bool], not_before: float = 0.0) -> AttemptResult | None:
        """Sends `GET /me` once there is a permit, and the last 429 allows it; None once `cancelled()` is true.

        To be called by one thread at a time: by `diagnose`, and by a hold, which does so once every handler has ended.
        """
        permit = self._limiter.acquire(cancelled, max(not_before, self._limited_until))
        if permit is None:
            return None
        with self._condition:
            self._sent += 1
        result = self._gateway.send(GET_ME)
        if isinstance(result, Response) and result.status == 429:
            self._limited_until = self._clock.monotonic() + retry_delay(result.rate_limit)
        self._limiter.release(permit, result)
        return result
