"""One message: acquire a permit, send, decide, wait, until it is acked or given up."""

from collections.abc import Callable
from dataclasses import dataclass

from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.events import (
    Attempt,
    AttemptFinished,
    MessageDelivered,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageRequeued,
    RetryScheduled,
)
from intercom_sink.domain.policy import TABLE, Action, Disposition, RetryState, Rule, decide
from intercom_sink.domain.ports import Clock, Decoder, Delivery, IntercomGateway, Monitor
from intercom_sink.domain.rate_limiter import RateLimiter
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import Response


@dataclass(frozen=True, slots=True)
class Handler:
    """Handles messages, one for each call; any number of threads may call it at once.

    Args:
        decode: reads a message.
        gateway: sends requests to Intercom.
        limiter: says when the next request may be sent.
        clock: tells the time.
        monitor: receives the events.
        draw: picks the seconds of a delay.
        stopping: whether to make no further attempt.
    """

    decode: Decoder
    gateway: IntercomGateway
    limiter: RateLimiter
    clock: Clock
    monitor: Monitor
    draw: Callable[[Delay], float]
    stopping: Callable[[], bool]

    def handle(self, delivery: Delivery) -> Disposition | None:
        """Sends a message until no retry follows, then acks it or gives it up: always in this order.

        Returns:
            Its disposition; None if it stays in the queue, because of a stop or a lost connection.

        Raises:
            BrokerUnavailable: its dead letter could not be confirmed.
        """
        if self.stopping() or delivery.is_lost():
            return None
        try:
            request = self.decode(delivery.body)
        except MalformedMessage as error:
            return self._give_up_malformed(delivery, str(error))
        return self._deliver(delivery, request)

    def _deliver(self, delivery: Delivery, request: IntercomRequest) -> Disposition | None:
        def cancelled() -> bool:
            return self.stopping() or delivery.is_lost()

        state = RetryState(possible_duplicate=delivery.redelivered)
        not_before = 0.0
        while (permit := self.limiter.acquire(cancelled, not_before)) is not None:
            state = state.begin_attempt(self.clock.unix_time(), permit.failures)
            began = self.clock.monotonic()
            result = self.gateway.send(request)
            ended = self.clock.monotonic()
            decision = decide(result, state)
            rule, delay = decision.rule, self.draw(decision.delay)
            self.limiter.release(permit, result, pause=delay if rule.pauses_all else 0.0)
            attempt = Attempt(request.method, request.path, result, decision.disposition, state, ended - began)
            self.monitor.record(AttemptFinished(attempt))
            if rule.action is not Action.RETRY:
                return self._finish(delivery, attempt)
            self.monitor.record(RetryScheduled(attempt, delay))
            state = state.after_retryable(rule)
            not_before = 0.0 if rule.pauses_all else ended + delay
        if state.attempts:
            self.monitor.record(MessageRequeued(request.method, request.path, state.attempts))
        return None

    def _finish(self, delivery: Delivery, attempt: Attempt) -> Disposition | None:
        """Acks or gives up a message after its last attempt, unless its delivery is lost."""
        if delivery.is_lost() or not _remove(delivery, attempt):
            self.monitor.record(MessageRequeued(attempt.method, attempt.path, attempt.state.attempts))
            return None
        match attempt.disposition:
            case Disposition.DELIVERED:
                self.monitor.record(MessageDelivered(attempt))
            case Disposition.NOT_FOUND:
                self.monitor.record(MessageNotFound(attempt))
            case _:
                self.monitor.record(MessageGivenUp(attempt))
        return attempt.disposition

    def _give_up_malformed(self, delivery: Delivery, reason: str) -> Disposition | None:
        if not delivery.give_up(DeadLetter(_reason(TABLE[Disposition.MALFORMED]))):
            return None
        self.monitor.record(MessageMalformed(reason, delivery.body))
        return Disposition.MALFORMED


def _remove(delivery: Delivery, attempt: Attempt) -> bool:
    """Takes the message off the queue, as its rule says; returns whether it is off."""
    if attempt.rule.action is Action.GIVE_UP:
        return delivery.give_up(_dead_letter(attempt))
    delivery.ack()
    return True


def _dead_letter(attempt: Attempt) -> DeadLetter:
    response, state = attempt.result, attempt.state
    assert isinstance(response, Response)  # no rule gives up without one
    return DeadLetter(
        reason=_reason(attempt.rule),
        method=attempt.method,
        path=attempt.path,
        status=response.status,
        request_id=response.request_id,
        error_codes=response.error_codes,
        attempts=state.attempts,
        first_attempt_at=state.first_attempt_at,
        last_attempt_at=state.last_attempt_at,
    )


def _reason(rule: Rule) -> Reason:
    assert rule.reason is not None  # every rule that gives up has one
    return rule.reason
