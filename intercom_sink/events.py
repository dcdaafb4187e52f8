"""Everything that a `Monitor` receives, for those who write one: the events, and the types of what they hold.

    class CountGivenUp:
        def record(self, event: Event) -> None:
            match event:
                case MessageGivenUp(attempt):
                    self.counts[attempt.disposition] += 1
                case Paused(cause=PauseCause.RATE_LIMITED, seconds=seconds):
                    self.paused += seconds

What events hold of an attempt's result, `AttemptResult` and its parts, is in `intercom_sink`, as is `Delay`.

A later version may add events, and attributes at the end of one: a monitor ignores the events that it does not know.
"""

from intercom_sink.domain import events
from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.domain.events import *  # noqa: F403 the one list of them is there
from intercom_sink.domain.policy import Action, Disposition, Rule, Severity
from intercom_sink.domain.retry_state import RetryState

__all__ = [
    "Action",
    "Attempt",
    "Disposition",
    "Envelope",
    "HoldCause",
    "PauseCause",
    "Reason",
    "RetryState",
    "Rule",
    "Severity",
    "TraceContext",
]
__all__ += events.__all__
