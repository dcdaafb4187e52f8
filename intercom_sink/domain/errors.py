"""The exceptions of this package: a message that can't be sent, a lost broker, a wrong configuration."""


class IntercomSinkError(Exception):
    """The root of every exception that this package raises on purpose."""


class MalformedMessage(IntercomSinkError, ValueError):
    """What was given can't be a request to Intercom; the text says why, in one line that is safe to log."""


class BrokerLost(IntercomSinkError):
    """RabbitMQ can't be used: `heals` says whether it may be over after a while, or we are refused for good."""

    def __init__(self, reason: str, heals: bool = True) -> None:
        super().__init__(reason)
        self.heals = heals


class ConfigurationError(IntercomSinkError):
    """Settings that are missing or bad: one line for each, naming the variable and never showing a secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
