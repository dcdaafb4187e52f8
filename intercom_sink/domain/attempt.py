"""One attempt, as events and dead letters report it."""

from dataclasses import dataclass

from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.policy import RULES, Disposition, Rule
from intercom_sink.domain.response import AttemptResult
from intercom_sink.domain.retry_state import RetryState


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a message.

    Args:
        envelope: the message.
        path: the request's path.
        result: the response, or the reason why there was none.
        disposition: what it means for the message.
        state: what is remembered of the attempts at this message, this one included.
        duration: seconds from sending to the result.
        ended_at: when the result was there, before any diagnosis, in seconds of a monotonic clock.
    """

    envelope: Envelope
    path: str
    result: AttemptResult
    disposition: Disposition
    state: RetryState
    duration: float
    ended_at: float

    @property
    def began_at(self) -> float:
        """When its request was sent, in seconds of the same clock."""
        return self.ended_at - self.duration

    @property
    def method(self) -> str:
        """The request's method."""
        return self.state.method

    @property
    def rule(self) -> Rule:
        """The policy's rule for its disposition."""
        return RULES[self.disposition]
