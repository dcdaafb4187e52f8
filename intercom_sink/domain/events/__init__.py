"""Everything that can happen, as values: the one list of events, which log lines, metrics and traces are made from.

No event carries the data of a request, the token or a password. `MessageMalformed` alone holds a body, since there is
nothing else to diagnose it by; a monitor must not pass it on as it is.
"""

from intercom_sink.domain.events.event import Event
from intercom_sink.domain.events.message import (
    AttemptFinished,
    AttemptStarted,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageNotSent,
    MessageReceived,
    MessageRequeued,
    RetryScheduled,
    Settled,
)
from intercom_sink.domain.events.stream import (
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    Failed,
    HoldBegan,
    HoldContinues,
    HoldEnded,
    OtherConsumers,
    Paused,
    ProbeSent,
    Reconnecting,
    Resumed,
    Stopped,
    Stopping,
)

__all__ = [
    "AttemptFinished",
    "AttemptStarted",
    "ConnectionFailed",
    "Consuming",
    "DeadLetterNotConfirmed",
    "DeadLettered",
    "Event",
    "Failed",
    "HoldBegan",
    "HoldContinues",
    "HoldEnded",
    "MessageDelivered",
    "MessageDuplicate",
    "MessageGivenUp",
    "MessageMalformed",
    "MessageNotFound",
    "MessageNotSent",
    "MessageReceived",
    "MessageRequeued",
    "OtherConsumers",
    "Paused",
    "ProbeSent",
    "Reconnecting",
    "Resumed",
    "RetryScheduled",
    "Settled",
    "Stopped",
    "Stopping",
]
