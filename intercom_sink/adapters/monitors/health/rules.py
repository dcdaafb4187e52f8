"""Health, from a snapshot: would a restart help, and does the sink consume?

An outage of Intercom or RabbitMQ, a pause and a hold are not unhealthy: a restart would only add to them. Unhealthy is
what only a bug can cause: a thread that has ended, or hangs, while messages wait. Each limit is far beyond what the
settings allow.
"""

from dataclasses import dataclass

from intercom_sink.adapters.monitors.state.snapshot import Snapshot, State
from intercom_sink.adapters.times import iso_time
from intercom_sink.domain.hold import MAX_HOLD_DELAY, WARNING_INTERVAL
from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY

MARGIN = 60.0
"""Seconds that are added to each limit: a busy machine is no reason for a restart."""

MAX_PUBLISHING = 300.0
"""Seconds that one attempt to publish a dead letter may take, with several brokers that do not respond."""

CONSUMING = frozenset({State.STREAMING, State.IDLE, State.PAUSED})
"""The states in which the sink consumes its queue."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds after which something is stuck, from the settings.

    `attempt` adds up the longest steps: the request, another message's `GET /me` that is in flight already, and its own
    `GET /me`. Each may take the timeout twice (the token was just replaced), and each `GET /me` may wait for a rate
    window. A dead letter may take the reconnect timeout, and what connecting takes.

    Args:
        timeout: of an attempt.
        reconnect_timeout: of RabbitMQ.
    """

    timeout: float
    reconnect_timeout: float

    @property
    def attempt(self) -> float:
        """For an attempt, without pauses; also for waiting messages while no event happens."""
        return 6 * self.timeout + 2 * MAX_RATE_LIMIT_DELAY + MARGIN

    @property
    def settlement(self) -> float:
        """For an ack or a dead letter."""
        return self.reconnect_timeout + MAX_PUBLISHING + MARGIN

    @property
    def hold(self) -> float:
        """Between two events of a hold."""
        return WARNING_INTERVAL + MAX_HOLD_DELAY + self.attempt


def find_problem(snapshot: Snapshot, io_alive: bool, limits: Limits) -> str | None:
    """Why a restart would help, in one line; None: it would not.

    Args:
        snapshot: what the sink does.
        io_alive: whether the thread of the connection to RabbitMQ runs, or need not.
        limits: when something is stuck.
    """
    unsettled, hold = snapshot.unsettled, snapshot.hold
    if not io_alive:
        return "the I/O thread of the connection to RabbitMQ has ended"
    if unsettled.in_flight_seconds > limits.attempt:
        return f"an attempt has been under way for {unsettled.in_flight_seconds:.0f} s"
    if unsettled.settling_seconds > limits.settlement:
        return f"a message could not be acked or dead-lettered for {unsettled.settling_seconds:.0f} s"
    if unsettled.stalled_seconds > limits.attempt:
        return f"messages wait, and nothing has happened for {unsettled.stalled_seconds:.0f} s"
    if hold is not None and hold.silent_seconds > limits.hold:
        return f"the hold has reported nothing for {hold.silent_seconds:.0f} s"
    return None


def is_ready(snapshot: Snapshot) -> bool:
    """Whether the sink consumes its queue."""
    return snapshot.state in CONSUMING


def readiness(snapshot: Snapshot, version: str) -> dict[str, object]:
    """What the sink does, as JSON; null: there is none, or it is not known."""
    return {
        "ready": is_ready(snapshot),
        "state": snapshot.state.value,
        "since": iso_time(snapshot.since),
        "until": None if snapshot.until is None else iso_time(snapshot.until),
        "cause": snapshot.cause,
        "in_flight": snapshot.unsettled.in_flight,
        "waiting": {reason: count for reason, count in snapshot.unsettled.waiting.items() if count},
        "oldest_unsettled_seconds": round(snapshot.unsettled.oldest_seconds, 3),
        "version": version,
    }
