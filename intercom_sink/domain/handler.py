"""One message: acquire a permit, send, decide, wait, until it is acked or given up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from intercom_sink.domain import events
from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.diagnosis import Diagnoser, Fault
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.hold import CAUSES, MAX_OUTAGE, Hold
from intercom_sink.domain.malformed import give_up_malformed
from intercom_sink.domain.policy import (
    RULES,
    Action,
    Disposition,
    PolicyOptions,
    Rule,
    carry_over,
    decide,
    decide_for_message_fault,
)
from intercom_sink.domain.ports import Clock, Decoder, Delivery, IntercomGateway, Monitor
from intercom_sink.domain.rate_limiter import Permit, RateLimiter
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import Response
from intercom_sink.domain.retry_state import RetryState


@dataclass(frozen=True, slots=True)
class Handler:
    """Handles messages, one for each call; any number of threads may call it at once.

    Args:
        decode: reads a message.
        gateway: sends requests to Intercom.
        limiter: says when the next request may be sent.
        clock: tells the time.
        monitor: receives the events.
        diagnoser: finds out what is at fault for a failure.
        hold: keeps every message in the queue while the token or Intercom fails.
        draw: draws a number of seconds from a delay's range.
        stopping: whether to make no further attempt.
        options: what the operator chose about the policy.
    """

    decode: Decoder
    gateway: IntercomGateway
    limiter: RateLimiter
    clock: Clock
    monitor: Monitor
    diagnoser: Diagnoser
    hold: Hold
    draw: Callable[[Delay], float]
    stopping: Callable[[], bool]
    options: PolicyOptions

    def handle(self, delivery: Delivery) -> Disposition | None:
        """Sends a message until its result is final, and only then acks it or gives it up.

        Returns:
            Its disposition; None if it stays in the queue, because of a stop, a hold or a lost connection.

        Raises:
            BrokerUnavailable: its dead letter could not be confirmed.
        """

        def cancelled() -> bool:
            return self.stopping() or self.hold.is_active() or delivery.is_lost()

        if cancelled():
            return None
        try:
            request = self.decode(delivery.body)
        except MalformedMessage as error:
            return Disposition.MALFORMED if give_up_malformed(delivery, str(error), self.monitor) else None
        self.monitor.record(events.MessageReceived(delivery.envelope, delivery.delivered_at))
        return self._deliver(delivery, request, cancelled)

    def _deliver(
        self, delivery: Delivery, request: IntercomRequest, cancelled: Callable[[], bool]
    ) -> Disposition | None:
        state = RetryState(request.method, possible_duplicate=delivery.redelivered)
        not_before = self.limiter.lane_paused_until(delivery.envelope.ordering_key)
        while (permit := self.limiter.acquire(cancelled, not_before)) is not None:
            state = state.begin_attempt(self.clock.unix_time(), permit.outage_failures)
            self.monitor.record(events.AttemptStarted(delivery.envelope, request.method, request.path, state.attempts))
            attempt, fault, delay = self._attempt(delivery, request, state, permit, cancelled)
            if self._begin_hold_if_due(attempt, fault):
                break
            if attempt.rule.action is not Action.RETRY:
                return self._finish(delivery, attempt)
            self.monitor.record(events.RetryScheduled(attempt, delay))
            state = carry_over(attempt.state, attempt.rule)
            not_before = attempt.ended_at + delay
        if state.attempts:
            self.monitor.record(events.MessageRequeued(delivery.envelope, request.method, request.path, state.attempts))
        else:
            self.monitor.record(events.MessageNotSent(delivery.envelope))
        return None

    def _attempt(
        self,
        delivery: Delivery,
        request: IntercomRequest,
        state: RetryState,
        permit: Permit,
        cancelled: Callable[[], bool],
    ) -> "_Outcome":
        """Makes one attempt, diagnoses its failure where the options ask for it, and releases the permit."""
        began = self.clock.monotonic()
        result = self.gateway.send(request, delivery.envelope.trace)
        ended = self.clock.monotonic()
        if isinstance(result, Response) and result.resent:
            state = state.mark_possible_duplicate()
        disposition = decide(result, state, self.options)
        fault: Fault | None = Fault.MESSAGE
        needs_diagnosis = self.options.hold and RULES[disposition].is_ambiguous
        if needs_diagnosis:
            # `GET /me` needs a permit too. No pause: either a hold follows, or this message alone is at fault.
            self.limiter.release(permit, result)
            fault = self.diagnoser.diagnose(cancelled)
            if fault is Fault.MESSAGE:
                disposition = decide_for_message_fault(disposition, state, self.options)
        attempt = Attempt(delivery.envelope, request.path, result, disposition, state, ended - began, ended)
        self.monitor.record(events.AttemptFinished(attempt))
        delay = self.draw(attempt.rule.delay(result, state))
        if not needs_diagnosis:
            self.limiter.release(permit, result, self._pause_for_all(delivery, attempt.rule, delay))
        return _Outcome(attempt, fault, delay)

    def _pause_for_all(self, delivery: Delivery, rule: Rule, delay: float) -> float:
        """The seconds for which nothing may be sent: none where the rule pauses the message's lane alone.

        Records that lane's pause; if another lane is paused too, nothing may be sent for this delay.
        """
        if rule.pauses_lane and self.limiter.pause_lane(delivery.envelope.ordering_key, delay):
            return delay
        return delay if rule.pauses_all else 0.0

    def _begin_hold_if_due(self, attempt: Attempt, fault: Fault | None) -> bool:
        """Begins a hold if the token or Intercom is at fault, or an outage has lasted for MAX_OUTAGE.

        Returns:
            Whether the message stays in the queue: a hold is due, or the diagnosis was cancelled.
        """
        if fault is None:
            return True
        cause = CAUSES.get(fault)
        if attempt.disposition is Disposition.NO_RESPONSE and self.limiter.outage_seconds() >= MAX_OUTAGE:
            cause = cause or HoldCause.OUTAGE
        if cause is not None:
            self.hold.begin(cause, attempt)
        return cause is not None

    def _finish(self, delivery: Delivery, attempt: Attempt) -> Disposition | None:
        """Acks or gives up a message after its last attempt, unless its delivery is lost."""
        removed = False
        try:
            removed = not delivery.is_lost() and _remove(delivery, attempt)
        finally:
            if not removed:
                attempts = attempt.state.attempts
                self.monitor.record(events.MessageRequeued(attempt.envelope, attempt.method, attempt.path, attempts))
        if not removed:
            return None
        match attempt.disposition:
            case Disposition.DELIVERED:
                self.monitor.record(events.MessageDelivered(attempt))
            case Disposition.NOT_FOUND:
                self.monitor.record(events.MessageNotFound(attempt))
            case Disposition.DUPLICATE:
                self.monitor.record(events.MessageDuplicate(attempt))
            case _:
                self.monitor.record(events.MessageGivenUp(attempt))
        return attempt.disposition


class _Outcome(NamedTuple):
    """What one attempt came to.

    Args:
        attempt: the attempt.
        fault: what is at fault: the message where nothing was diagnosed, None where the diagnosis was cancelled.
        delay: seconds between the end of the attempt and the next one, if there is one.
    """

    attempt: Attempt
    fault: Fault | None
    delay: float


def _remove(delivery: Delivery, attempt: Attempt) -> bool:
    """Acks or gives up the message, as its rule says; returns False if it stays in the queue."""
    if attempt.rule.action is Action.GIVE_UP:
        return delivery.give_up(_dead_letter(attempt))
    delivery.ack()
    return True


def _dead_letter(attempt: Attempt) -> DeadLetter:
    result, state, reason = attempt.result, attempt.state, attempt.rule.reason
    assert reason is not None  # every rule that gives up has one
    response = result if isinstance(result, Response) else None
    return DeadLetter(
        reason=reason,
        method=attempt.method,
        path=attempt.path,
        status=response.status if response else None,
        request_id=response.request_id if response else None,
        error_codes=response.error_codes if response else (),
        error_messages=response.error_messages if response else (),
        attempts=state.attempts,
        first_attempt_at=state.first_attempt_at,
        last_attempt_at=state.last_attempt_at,
    )
