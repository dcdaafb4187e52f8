import pytest

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from tests.support.brokers import fixed_brokers


class ChangingSecret:
    def __init__(self, *values: str) -> None:
        self._values = list(values)

    @property
    def value(self) -> str:
        return self._values[0]

    def reload(self) -> bool:
        if len(self._values) == 1:
            return False
        del self._values[0]
        return True


def test_fixed_brokers_stay_as_they_are() -> None:
    brokers = fixed_brokers("one,two")
    assert [str(url) for url in brokers.urls] == ["amqp://guest@one:5672/", "amqp://guest@two:5672/"]
    assert not brokers.reload(brokers.urls)


def test_reload_tells_whether_there_are_others_than_those_that_were_refused() -> None:
    brokers = Brokers(ChangingSecret("one", "two"))
    refused = brokers.urls
    assert brokers.reload(refused)
    assert [url.parameters.host for url in brokers.urls] == ["two"]
    assert not brokers.reload(brokers.urls)


def test_reload_by_another_thread_a_moment_before_counts_too() -> None:
    brokers = Brokers(ChangingSecret("one", "two"))
    refused = brokers.urls
    assert brokers.reload(refused)
    assert brokers.reload(refused)


def test_invalid_urls_are_refused() -> None:
    with pytest.raises(ValueError, match="names no host"):
        fixed_brokers("amqp://")


def test_no_password_is_shown() -> None:
    assert "secret" not in repr(fixed_brokers("amqp://user:secret@one"))
