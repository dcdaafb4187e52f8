"""One message, until it is settled: attempt, decide, wait, and again."""

import logging
from collections.abc import Callable

from intercom_sink.domain.backoff import Pause
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.outcome import Answer, Outcome
from intercom_sink.domain.policy import Action, Decision, History, Kind, decide
from intercom_sink.domain.ports import Clock, Delivery, IntercomGateway
from intercom_sink.domain.request import IntercomRequest

logger = logging.getLogger(__name__)

LONGEST_PATH = 500
"""Characters of a path in a log line."""

REASONS = {Kind.REJECTED: Reason.REJECTED, Kind.SERVER_ERROR_AGAIN: Reason.SERVER_ERROR}
"""What the dead letter of each row that gives up says."""


def deliver(
    delivery: Delivery,
    request: IntercomRequest,
    gateway: IntercomGateway,
    clock: Clock,
    draw: Callable[[Pause], float],
    stopping: Callable[[], bool],
) -> Kind | None:
    """Sends `request` until the policy says that it is settled, then settles `delivery`: in this order, always.

    Args:
        delivery: where the request came from.
        request: what to send.
        gateway: the way to Intercom.
        clock: where to wait between attempts.
        draw: picks a time, in seconds, within a pause.
        stopping: whether to make no further attempt.

    Returns:
        What became of it, or None if it was left unacked, for the broker to deliver again: a stop came first, or the
        connection was lost that the ack would have had to take.
    """
    history = History()
    attempts = 0
    first_attempt = clock.unix_time()
    possible_duplicate = delivery.redelivered
    while not (stopping() or delivery.is_lost()):
        attempts += 1
        last_attempt = clock.unix_time()
        outcome = gateway.send(request)
        decision = decide(outcome, history)
        seconds = draw(decision.pause)
        _log(decision, request, outcome, attempts, seconds, possible_duplicate)
        if decision.action is Action.SEND_AGAIN:
            clock.wait(seconds, unless=lambda: stopping() or delivery.is_lost())
            history = decision.history
            possible_duplicate |= decision.kind is not Kind.RATE_LIMITED
            continue
        if delivery.is_lost():
            break
        if decision.action is Action.SETTLE:
            delivery.ack()
        elif not delivery.give_up(_letter(decision, request, outcome, attempts, first_attempt, last_attempt)):
            break
        return decision.kind
    logger.warning("left to be delivered again", extra=_fields(request) | {"attempts": attempts})
    return None


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
