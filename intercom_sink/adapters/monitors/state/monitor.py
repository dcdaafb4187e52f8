"""Monitor that keeps the current state of the sink, from the events alone.

It makes a `Snapshot` on demand. `record` runs on the thread where things happen, some of them under the rate limiter's
lock: it takes one lock of its own for a short time, does no I/O, and calls neither the sink nor another monitor.

A message counts as waiting for a pause only until `Paused.until`. While messages are unsettled, the state stays
`paused` until `Resumed`, which comes with the response to the probe after a 429 or after no response, and with the
first request of the next window after a used-up one. So it is still `paused` while a probe hangs; but the time after
`Paused.until` counts: the probe's in `in_flight_seconds`, that of the messages behind it in `stalled_seconds`.
"""

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

from intercom_sink.adapters.monitors.state.connection import BrokerConnection
from intercom_sink.adapters.monitors.state.failures import Failure, Failures
from intercom_sink.adapters.monitors.state.minutes import Minutes
from intercom_sink.adapters.monitors.state.pauses import Pauses
from intercom_sink.adapters.monitors.state.snapshot import (
    IDLE_AFTER,
    SETTLED,
    HoldState,
    Pause,
    ReportedWindow,
    Snapshot,
    State,
)
from intercom_sink.adapters.monitors.state.unsettled import UnsettledMessages
from intercom_sink.domain import events
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import Event
from intercom_sink.domain.policy import RULES, Action, Disposition
from intercom_sink.domain.ports import Clock
from intercom_sink.domain.response import Response


class StateMonitor:
    """Keeps the current state.

    Args:
        clock: tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        now = clock.monotonic()
        self._started = self._last_event = now
        self._streaming_since = now  # first message after idleness
        self._state_since = now  # last change of the state; a pause and a hold have a time of their own
        self._last_ended = -math.inf
        self._messages = UnsettledMessages()
        self._minutes = Minutes(now)
        self._window = ReportedWindow()
        self._failures = Failures()
        self._settled = dict.fromkeys(SETTLED, 0)
        self._dead_letters = dict.fromkeys(Reason, 0)
        self._last_success: float | None = None
        self._connection = BrokerConnection()
        self._pauses = Pauses()
        self._hold_cause: HoldCause | None = None
        self._hold_since = self._hold_last_event = 0.0
        self._stopping = False
        self._handlers: Mapping[type[Event], Callable[[Any, float], None]] = {
            events.MessageReceived: self._received,
            events.AttemptStarted: self._attempt_started,
            events.AttemptFinished: self._attempt_finished,
            events.MessageDelivered: self._settle,
            events.MessageNotFound: self._settle,
            events.MessageDuplicate: self._settle,
            events.MessageGivenUp: self._settle,
            events.MessageMalformed: self._malformed,
            events.MessageRequeued: self._returned,
            events.MessageNotSent: self._returned,
            events.RetryScheduled: self._retry_scheduled,
            events.Paused: self._paused,
            events.Resumed: self._resumed,
            events.HoldBegan: self._hold_began,
            events.HoldContinues: self._hold_continues,
            events.HoldEnded: self._hold_ended,
            events.Consuming: self._consuming,
            events.ConnectionFailed: self._connection_failed,
            events.DeadLettered: self._dead_lettered,
            events.DeadLetterNotConfirmed: self._dead_letter_not_confirmed,
            events.Stopping: self._stop,
            events.Stopped: self._stop,
            events.Failed: self._stop,
        }

    def record(self, event: Event) -> None:
        """Takes note of the event."""
        handle = self._handlers.get(type(event))
        with self._lock:
            now = self._clock.monotonic()
            self._last_event = now
            if handle is not None:
                handle(event, now)

    def snapshot(self) -> Snapshot:
        """What the sink does now."""
        with self._lock:
            now, unix_now = self._clock.monotonic(), self._clock.unix_time()
            return self._snapshot(now, lambda moment: unix_now - (now - moment))

    # A message.

    def _received(self, event: events.MessageReceived, now: float) -> None:
        if not self._messages and now - self._last_ended > IDLE_AFTER:
            self._streaming_since = now
        if not self._messages and now > self._pauses.until + IDLE_AFTER:
            self._pauses.end(now)  # nobody waits for it; its `Resumed` comes with the next request, or its response
        self._messages.received(event, now)

    def _attempt_started(self, event: events.AttemptStarted, now: float) -> None:
        self._messages.attempt_started(event.envelope, now, self._pauses.seconds_so_far(now))

    def _attempt_finished(self, event: events.AttemptFinished, now: float) -> None:
        attempt = event.attempt
        self._messages.attempt_finished(attempt.envelope, now)
        if isinstance(attempt.result, Response):
            reported = attempt.result.rate_limit
            self._window = self._window.updated_by(reported)
            self._minutes.response(now, attempt.duration, reported.remaining)
        if attempt.rule.action is not Action.ACK:
            self._failures.add(Failure.of(attempt, self._clock.unix_time()))

    def _retry_scheduled(self, event: events.RetryScheduled, now: float) -> None:
        self._messages.retry_scheduled(event.attempt.envelope, now, event.delay)
        self._minutes.retry(now)

    def _settle(self, event: events.Settled, now: float) -> None:
        attempt = event.attempt
        self._end(attempt.envelope, attempt.disposition, now)
        if attempt.rule.action is Action.ACK:
            self._last_success = now

    def _malformed(self, event: events.MessageMalformed, now: float) -> None:
        self._end(event.envelope, Disposition.MALFORMED, now)
        self._failures.add(Failure.malformed(event.reason, self._clock.unix_time()))

    def _end(self, envelope: Envelope, disposition: Disposition, now: float) -> None:
        self._messages.ended(envelope)
        self._last_ended = now
        self._settled[disposition] += 1
        self._minutes.settled(now, given_up=RULES[disposition].action is Action.GIVE_UP)

    def _returned(self, event: events.MessageRequeued | events.MessageNotSent, now: float) -> None:
        self._messages.ended(event.envelope)
        self._last_ended = now

    def _dead_lettered(self, event: events.DeadLettered, now: float) -> None:
        self._dead_letters[event.reason] += 1
        self._messages.settlement_proceeds(now)

    def _dead_letter_not_confirmed(self, event: events.DeadLetterNotConfirmed, now: float) -> None:
        # Dead letters are published one at a time: during an alarm of the broker each waits for all before it.
        self._messages.settlement_proceeds(now)

    # All messages.

    def _paused(self, event: events.Paused, now: float) -> None:
        self._pauses.begin(event.cause, now, event.seconds)

    def _resumed(self, event: events.Resumed, now: float) -> None:
        self._pauses.end(now)
        self._state_since = now

    def _hold_began(self, event: events.HoldBegan, now: float) -> None:
        self._hold_cause, self._hold_since, self._hold_last_event = event.cause, now, now

    def _hold_continues(self, event: events.HoldContinues, now: float) -> None:
        self._hold_last_event = now

    def _hold_ended(self, event: events.HoldEnded, now: float) -> None:
        self._hold_cause, self._state_since = None, now
        self._connection.closed()  # the hold closed it when it began; it counted as connected till now

    def _consuming(self, event: events.Consuming, now: float) -> None:
        self._connection.consuming(event.queue)
        self._state_since = now

    def _connection_failed(self, event: events.ConnectionFailed, now: float) -> None:
        if self._connection.is_open:
            self._state_since = now
        self._connection.failed(event.reason)

    def _stop(self, event: Event, now: float) -> None:
        if not self._stopping:
            self._stopping, self._state_since = True, now

    # The snapshot. The caller holds the lock.

    def _snapshot(self, now: float, unix: Callable[[float], float]) -> Snapshot:
        state, since = self._state(now)
        return Snapshot(
            at=unix(now),
            started_at=unix(self._started),
            state=state,
            since=unix(since),
            connected=self._connection.is_open or self._hold_cause is not None,
            connection_error=self._connection.error,
            reconnects=self._connection.reconnects,
            queue=self._connection.queue,
            pause=self._pause(now, unix),
            hold=self._hold(now),
            unsettled=self._messages.summary(
                now, self._pauses, self._last_event, is_holding=self._hold_cause is not None
            ),
            last_success_at=None if self._last_success is None else unix(self._last_success),
            window=self._window,
            settled=dict(self._settled),
            dead_letters=dict(self._dead_letters),
            minutes=self._minutes.recent(now),
            failures=self._failures.latest_first(),
        )

    def _state(self, now: float) -> tuple[State, float]:
        if self._stopping:
            return State.STOPPING, self._state_since
        if self._hold_cause is not None:
            return State.HOLDING, self._hold_since
        if not self._connection.is_open:
            return State.RECONNECTING, self._state_since
        if self._is_paused(now):
            return State.PAUSED, self._pauses.since
        if self._messages or now - self._last_ended <= IDLE_AFTER:
            return State.STREAMING, max(self._streaming_since, self._state_since)
        return State.IDLE, max(self._last_ended, self._state_since)

    def _is_paused(self, now: float) -> bool:
        """Whether there is a pause; one that nobody waits for is over at its end."""
        return self._pauses.cause is not None and (now < self._pauses.until or len(self._messages) > 0)

    def _pause(self, now: float, unix: Callable[[float], float]) -> Pause | None:
        if self._pauses.cause is None or not self._is_paused(now):
            return None
        return Pause(self._pauses.cause, unix(self._pauses.until))

    def _hold(self, now: float) -> HoldState | None:
        if self._hold_cause is None:
            return None
        return HoldState(self._hold_cause, now - self._hold_last_event)
