"""The exceptions of this package."""


class IntercomSinkError(Exception):
    """The base class of every exception that this package raises on purpose."""


class MalformedMessage(IntercomSinkError, ValueError):
    """The input is not a valid request to Intercom; the text says why, in one line that is safe to log."""


class BrokerUnavailable(IntercomSinkError):
    """RabbitMQ can't be used.

    Args:
        reason: why, in one line that is safe to log.
        retryable: whether it may be available again after a while; False: waiting can't help, since the broker refuses
            this client or the queue is a stream.
    """

    def __init__(self, reason: str, *, retryable: bool = True) -> None:
        super().__init__(reason)
        self.retryable = retryable


class ConfigurationError(IntercomSinkError):
    """Settings are missing or invalid.

    Args:
        problems: one line for each, which names the variable and never shows a secret.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TooFewThreads(IntercomSinkError):
    """The system does not let as many threads start as the concurrency needs.

    Args:
        started: how many did start.
        needed: how many are needed.
    """

    def __init__(self, started: int, needed: int) -> None:
        super().__init__(
            f"only {started} of {needed} threads could be started: lower the concurrency, or raise the limit"
        )
        self.started = started
        self.needed = needed


class OperatorError(IntercomSinkError):
    """A command can't do what it was asked for, such as writing to a queue that does not exist."""
