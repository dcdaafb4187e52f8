"""What the sink does at one moment: health, the status page, gauges and the line `progress` are made from it.

Moments are Unix seconds, durations are seconds. Nothing here holds the data of a request, the token or a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from intercom_sink.adapters.monitors.state.failures import Failure
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.policy import RULES, Action, Disposition
from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY, RateLimit

SETTLED = tuple(disposition for disposition in Disposition if RULES[disposition].action is not Action.RETRY)
"""The dispositions of messages that were acked or given up."""

IDLE_AFTER = 5.0
"""Seconds without a message after which the sink counts as idle. Shorter gaps are normal while it streams."""


class State(StrEnum):
    """What the sink does."""

    STREAMING = "streaming"
    IDLE = "idle"
    PAUSED = "paused"
    HOLDING = "holding"
    RECONNECTING = "reconnecting"  # not connected: before the first connection, too
    STOPPING = "stopping"


class Waiting(StrEnum):
    """What an unsettled message that is not in flight may wait for, besides the end of a pause."""

    HOLD = "hold"
    RETRY = "retry"
    PERMIT = "permit"
    SETTLEMENT = "settlement"


WAITING_REASONS: tuple[str, ...] = (*Waiting, *PauseCause)
"""Everything that an unsettled message may wait for."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent, or only what is spread over the rest of a rate window.

    Args:
        cause: why.
        until: when it ends, as far as is known.
    """

    cause: PauseCause
    until: float


@dataclass(frozen=True, slots=True)
class HoldState:
    """Every message waits in the queue.

    Args:
        cause: why.
        silent_seconds: since its last event, `HoldBegan` or `HoldContinues`.
    """

    cause: HoldCause
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class ReportedWindow:
    """What Intercom has reported about its rate window.

    Args:
        limit: requests that one window takes.
        remaining: the lowest number of requests that it was reported to still take.
        reset_at: when it ends, by Intercom's clock.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None

    def updated_by(self, reported: RateLimit) -> "ReportedWindow":
        """What is known once a response has reported this; responses may come out of order.

        A response that does not report its window's end can't be put in order, so it changes nothing once one is known.
        If the known end is further away than any window's, it was wrong, or the server's clock was set back since: then
        any response with a `Date` replaces it.
        """
        if reported.remaining is None and reported.limit is None:
            return self
        limit = self.limit if reported.limit is None else reported.limit
        resets = reported.reset_at
        if self.reset_at is not None and (resets is None or resets < self.reset_at):
            now = reported.server_time
            if now is None or self.reset_at - now <= MAX_RATE_LIMIT_DELAY:
                return self
        if resets is not None and resets == self.reset_at:
            known = [count for count in (self.remaining, reported.remaining) if count is not None]
            return ReportedWindow(limit, min(known, default=None), resets)
        return ReportedWindow(limit, reported.remaining, resets)


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the recent past.

    Args:
        number: minutes since the start of the sink.
        settled: messages that were acked or given up.
        given_up: those that were given up.
        retries: attempts that were followed by another one.
        p50: the median response time; None: there was no response.
        p95: the response time that 95 % of the responses did not exceed.
        remaining: the fewest requests that the rate window still took.
    """

    number: int
    settled: int = 0
    given_up: int = 0
    retries: int = 0
    p50: float | None = None
    p95: float | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class UnsettledSummary:
    """The messages that were received and are neither acked, given up, nor returned to the queue.

    Args:
        in_flight: those whose attempt is under way, or whose failure is being diagnosed by `GET /me`.
        waiting: the others, counted by what they wait for.
        next_retry_in: seconds until the first retry is due.
        oldest_seconds: since RabbitMQ delivered the oldest one; 0: there is none.
        in_flight_seconds: the longest attempt under way; pauses are not counted.
        settling_seconds: the longest time for which one that needs no further attempt is not settled; it restarts
            whenever any dead letter is confirmed or fails, since they are published one at a time.
        stalled_seconds: the longest time for which one that may be sent at once, without a pause or a retry delay, has
            waited without any event of the sink.
    """

    in_flight: int
    waiting: Mapping[str, int]
    next_retry_in: float | None
    oldest_seconds: float
    in_flight_seconds: float
    settling_seconds: float
    stalled_seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the sink does at one moment.

    Args:
        at: this moment.
        started_at: when the sink was started.
        state: what it does.
        since: since when it does that.
        connected: whether it has a connection to RabbitMQ; a hold closes it on purpose, and counts as connected.
        connection_error: why it has none.
        reconnects: connections that took the place of a lost one.
        queue: what it consumes.
        pause: the pause, if there is one.
        hold: the hold, if there is one.
        unsettled: the messages that are not settled.
        last_success_at: when Intercom last took a message, or had nothing to do for it.
        window: Intercom's rate window, as last reported.
        settled: messages that were acked or given up since the start, by disposition.
        dead_letters: messages that were dead-lettered since the start.
        minutes: the last minutes, the current one last.
        failures: the last failures, the latest first; retries with the same cause are one.
    """

    at: float
    started_at: float
    state: State
    since: float
    connected: bool
    connection_error: str | None
    reconnects: int
    queue: str | None
    pause: Pause | None
    hold: HoldState | None
    unsettled: UnsettledSummary
    last_success_at: float | None
    window: ReportedWindow
    settled: Mapping[Disposition, int]
    dead_letters: Mapping[Reason, int]
    minutes: tuple[Minute, ...]
    failures: tuple[Failure, ...]

    @property
    def until(self) -> float | None:
        """When the state ends, as far as is known."""
        return self.pause.until if self.state is State.PAUSED and self.pause else None

    @property
    def cause(self) -> str | None:
        """Why the sink does not stream."""
        if self.state is State.PAUSED and self.pause:
            return self.pause.cause.value
        if self.state is State.HOLDING and self.hold:
            return self.hold.cause.value
        return self.connection_error if self.state is State.RECONNECTING else None


def waiting_for(snapshot: Snapshot) -> str:
    """What the sink waits for. A hold counts as connected, and comes before a pause."""
    if not snapshot.connected:
        return "RabbitMQ"
    if snapshot.hold is not None:
        return f"hold: {snapshot.hold.cause}"
    return "nothing" if snapshot.pause is None else snapshot.pause.cause.value
