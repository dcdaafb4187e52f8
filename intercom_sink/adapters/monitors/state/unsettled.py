"""The messages that were received and are not settled yet, from the events of each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from intercom_sink.adapters.monitors.state.pauses import Pauses
from intercom_sink.adapters.monitors.state.snapshot import WAITING_REASONS, UnsettledSummary, Waiting
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import MessageReceived


class Phase(Enum):
    """What an unsettled message does."""

    WAITING = "waits for a permit"
    IN_FLIGHT = "an attempt is under way"
    SETTLING = "needs no further attempt, and is being acked or given up"


@dataclass(slots=True)
class Unsettled:
    """One message.

    Args:
        envelope: what identifies it: the same object in all its events. The reference keeps its `id` from being reused.
        delivered_at: when RabbitMQ delivered it, in seconds of a monotonic clock.
        phase: what it does.
        since: when its phase began, monotonic.
        paused_before: seconds of pauses, in all, up to the start of its attempt.
        due: when it may be sent again; 0: it is no retry.
    """

    envelope: Envelope
    delivered_at: float
    phase: Phase
    since: float
    paused_before: float = 0.0
    due: float = 0.0


class UnsettledMessages:
    """The unsettled messages. Not thread-safe. Events of a message that was not received change nothing."""

    def __init__(self) -> None:
        self._messages: dict[int, Unsettled] = {}  # in the order in which they were received

    def __len__(self) -> int:
        return len(self._messages)

    def received(self, event: MessageReceived, now: float) -> None:
        """Adds a message, which may have waited in the sink since its delivery."""
        phase = Phase.SETTLING if event.is_malformed else Phase.WAITING
        self._messages[id(event.envelope)] = Unsettled(event.envelope, event.delivered_at, phase, now)

    def attempt_started(self, envelope: Envelope, now: float, paused: float) -> None:
        """An attempt is under way; `paused` is how many seconds of pauses there were so far."""
        if message := self._messages.get(id(envelope)):
            message.phase, message.since, message.paused_before = Phase.IN_FLIGHT, now, paused

    def attempt_finished(self, envelope: Envelope, now: float) -> None:
        """The attempt has ended. It counts as settling unless `retry_scheduled` follows."""
        if message := self._messages.get(id(envelope)):
            message.phase, message.since = Phase.SETTLING, now

    def retry_scheduled(self, envelope: Envelope, now: float, delay: float) -> None:
        """The message will be sent again."""
        if message := self._messages.get(id(envelope)):
            message.phase, message.since, message.due = Phase.WAITING, now, now + delay

    def settlement_proceeds(self, now: float) -> None:
        """A dead letter is confirmed, or is not: what publishes them does not hang, and others may wait for it."""
        for message in self._messages.values():
            if message.phase is Phase.SETTLING:
                message.since = now

    def ended(self, envelope: Envelope) -> None:
        """Removes a message that was acked, given up, or returned to the queue."""
        self._messages.pop(id(envelope), None)

    def summary(self, now: float, pauses: Pauses, last_event: float, *, is_holding: bool) -> UnsettledSummary:
        """What they do now.

        Args:
            now: the time.
            pauses: the pauses so far.
            last_event: when anything at all happened last.
            is_holding: whether there is a hold.
        """
        messages = list(self._messages.values())
        of_phase = {phase: [message for message in messages if message.phase is phase] for phase in Phase}
        waiting, settling = of_phase[Phase.WAITING], of_phase[Phase.SETTLING]
        reasons = Counter(dict.fromkeys(WAITING_REASONS, 0))
        reasons.update(_reason(message, now, pauses, is_holding) for message in waiting)
        reasons[Waiting.SETTLEMENT] = len(settling)
        paused = pauses.seconds_so_far(now)
        expected = max(last_event, pauses.until)
        return UnsettledSummary(
            in_flight=len(of_phase[Phase.IN_FLIGHT]),
            waiting=dict(reasons),
            next_retry_in=min((message.due - now for message in waiting if message.due > now), default=None),
            oldest_seconds=_longest(now - message.delivered_at for message in messages),
            in_flight_seconds=_longest(
                now - message.since - (paused - message.paused_before) for message in of_phase[Phase.IN_FLIGHT]
            ),
            settling_seconds=_longest(now - message.since for message in settling),
            stalled_seconds=_longest(now - max(expected, message.due) for message in waiting),
        )


def _reason(message: Unsettled, now: float, pauses: Pauses, is_holding: bool) -> str:
    if is_holding:
        return Waiting.HOLD
    if pauses.cause is not None and now < pauses.until:
        return pauses.cause
    return Waiting.RETRY if now < message.due else Waiting.PERMIT


def _longest(seconds: Iterable[float]) -> float:
    return max(0.0, max(seconds, default=0.0))
