"""The exceptions of this package."""

from intercom_sink.domain.confirms import PublishResult


class IntercomSinkError(Exception):
    """The base class of this package's own exceptions. A wrong argument may raise ValueError or TypeError instead.

    Attributes:
        results: of an error of a publisher, the fate of each message of the call that was sent to the broker, in order.
            Messages that are not listed were not sent. Empty for any other error.
    """

    results: tuple[PublishResult, ...] = ()


class MalformedMessage(IntercomSinkError, ValueError):
    """The input is not a valid request to Intercom; the text says why, in one line that is safe to log.

    Attributes:
        index: the place of the message in the batch that a publisher was given, from 0; None: there was
            no batch, or its iterable raised the error.
    """

    index: int | None = None


class InvalidRequest(MalformedMessage):
    """Intercom is known to refuse such a request, so it is not published.

    Args:
        field: the part of the request's data that is invalid, such as `metadata['price']`.
        rule: what is wrong with it.
        source: the URL of the page on which Intercom states the rule.
    """

    def __init__(self, field: str, rule: str, source: str) -> None:
        super().__init__(f"{field} {rule} ({source})")
        self.field = field
        self.rule = rule
        self.source = source


class BrokerUnavailable(IntercomSinkError):
    """RabbitMQ can't be used. A message that was to be published is not confirmed; it may be in the queue nevertheless.

    Args:
        reason: why, in one line that is safe to log.
        retryable: whether it may be available again after a while; False: as far as is known waiting can't help, since
            the broker refuses this client or the queue is a stream. `AsyncPublisher` can't tell a limit of the virtual
            host from a refusal, so it says False of both.
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


class Unroutable(OperatorError):
    """The queue that a message was published to does not exist; the text names queue, virtual host and broker."""
