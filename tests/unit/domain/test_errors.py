"""The exceptions of the package."""

import pytest

from intercom_sink import (
    BrokerUnavailable,
    ConfigurationError,
    IntercomSinkError,
    MalformedMessage,
    OperatorError,
)


@pytest.mark.parametrize(
    "error",
    [BrokerUnavailable("x"), ConfigurationError(["x"]), MalformedMessage("x"), OperatorError("x")],
    ids=lambda error: type(error).__name__,
)
def test_every_exception_is_of_the_package_and_says_why(error: IntercomSinkError) -> None:
    assert isinstance(error, IntercomSinkError)
    assert str(error) == "x"


def test_broker_may_be_available_again_unless_it_refuses() -> None:
    assert BrokerUnavailable("connection refused").retryable
    assert not BrokerUnavailable("access refused", retryable=False).retryable


def test_configuration_error_holds_every_fault() -> None:
    error = ConfigurationError(["A: is required", "B: is required"])
    assert error.problems == ["A: is required", "B: is required"]
    assert str(error) == "A: is required; B: is required"
