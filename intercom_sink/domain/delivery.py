"""One message, until it is settled: attempt, decide, wait, and again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from intercom_sink.domain.backoff import Pause
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.outcome import Answer, Outcome
from intercom_sink.domain.pacing import Pacer
from intercom_sink.domain.policy import Action, Decision, History, Kind, decide
from intercom_sink.domain.ports import Clock, Delivery, IntercomGateway
from intercom_sink.domain.request import IntercomRequest

logger = logging.getLogger(__name__)

LONGEST_PATH = 500
"""Characters of a path in a log line."""

REASONS = {Kind.REJECTED: Reason.REJECTED, Kind.SERVER_ERROR_AGAIN: Reason.SERVER_ERROR}
"""What the dead letter of each row that gives up says."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends requests until they are settled; any number of threads may do so at once.

    Args:
        gateway: the way to Intercom.
        clock: where to wait between attempts.
        pacer: says when the next request may go.
        draw: picks a time, in seconds, within a pause.
        stopping: whether to make no further attempt.
    """

    gateway: IntercomGateway
    clock: Clock
    pacer: Pacer
    draw: Callable[[Pause], float]
    stopping: Callable[[], bool]

    def deliver(self, delivery: Delivery, request: IntercomRequest) -> Kind | None:
        """Sends `request` until the policy says that it is settled, then settles `delivery`: in this order, always.

        Args:
            delivery: where the request came from.
            request: what to send.

        Returns:
            What became of it, or None if it was left unacked, for the broker to deliver again: a stop came first, or
            the connection was lost that the ack would have had to take.
        """

        def is_over() -> bool:
            return self.stopping() or delivery.is_lost()

        attempts = 0
        first_attempt = self.clock.unix_time()
        last_was_server_error = False
        possible_duplicate = delivery.redelivered
        while (leave := self._wait_for_leave(is_over)) is not None:
            attempts += 1
            last_attempt = self.clock.unix_time()
            outcome = self.gateway.send(request)
            decision = decide(outcome, History(last_was_server_error, self.pacer.unanswered))
            seconds = self.draw(decision.pause)
            self._give_back(leave, outcome, hold=seconds if decision.holds_all else 0)
            _log(decision, request, outcome, attempts, seconds, possible_duplicate)
            if decision.action is Action.SEND_AGAIN:
                if not decision.holds_all:
                    self.clock.wait(seconds, unless=is_over)
                last_was_server_error = decision.is_server_error
                possible_duplicate |= decision.kind is not Kind.RATE_LIMITED
                continue
            if delivery.is_lost():
                break
            if decision.action is Action.SETTLE:
                delivery.ack()
            elif not delivery.give_up(_letter(decision, request, outcome, attempts, first_attempt, last_attempt)):
                break
            return decision.kind
        if attempts:
            logger.warning("left to be delivered again", extra=_fields(request) | {"attempts": attempts})
        return None

    def _wait_for_leave(self, is_over: Callable[[], bool]) -> int | None:
        """Leave to send, once there is some; None once `is_over()`."""
        while not is_over():
            if (leave := self._take_or_wait(is_over)) is not None:
                return leave
        return None

    def _take_or_wait(self, is_over: Callable[[], bool]) -> int | None:
        changes = self.pacer.changes
        leave = self.pacer.take(self.clock.monotonic())
        if leave is None:
            seconds = self.pacer.seconds_to_wait(self.clock.monotonic())
            self.clock.wait(seconds, unless=lambda: is_over() or self.pacer.changes != changes)
        return leave

    def _give_back(self, leave: int, outcome: Outcome, hold: float) -> None:
        if self.pacer.answered(leave, outcome, self.clock.monotonic(), hold):
            self.clock.wake()


def _letter(
    decision: Decision, request: IntercomRequest, outcome: Outcome, attempts: int, first: float, last: float
) -> DeadLetter:
    assert isinstance(outcome, Answer)  # without one, nothing is given up
    return DeadLetter(
        reason=REASONS[decision.kind],
        method=request.method,
        path=request.path,
        status=outcome.status,
        request_id=outcome.request_id,
        error_codes=outcome.error_codes,
        attempts=attempts,
        first_attempt=first,
        last_attempt=last,
    )


_EVENTS = {
    Action.SETTLE: "settled",
    Action.GIVE_UP: "given up",
    Action.SEND_AGAIN: "to be sent again",
}


def _log(
    decision: Decision,
    request: IntercomRequest,
    outcome: Outcome,
    attempt: int,
    seconds: float,
    possible_duplicate: bool,
) -> None:
    if not logger.isEnabledFor(decision.log_level):
        return
    fields = _fields(request) | {"outcome": decision.kind.value, "attempt": attempt}
    if isinstance(outcome, Answer):
        fields["status"] = outcome.status
        if outcome.request_id is not None:
            fields["request_id"] = outcome.request_id
        if outcome.error_codes:
            fields["error_codes"] = list(outcome.error_codes)
    else:
        fields["reason"] = outcome.reason
    if decision.action is Action.SEND_AGAIN:
        fields["pause"] = round(seconds, 3)
    if possible_duplicate:
        fields["possible_duplicate"] = True
    logger.log(decision.log_level, _EVENTS[decision.action], extra=fields)


def _fields(request: IntercomRequest) -> dict[str, object]:
    return {"method": request.method, "path": request.path[:LONGEST_PATH]}
