"""The fixtures, as a service's tests use them."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

TESTS = """
    import asyncio
    from urllib.request import urlopen

    from intercom_sink import IntercomRequest, Response, Sink, decode, encode
    from intercom_sink.domain.events import Event

    def test_fake_intercom(fake_intercom):
        with urlopen(fake_intercom.url + "/me") as response:
            assert response.status == 200
        assert fake_intercom.requests[0].path == "/me"

    def test_sink(intercom_source, intercom_gateway, intercom_clock, intercom_monitor):
        intercom_source.queue.append(encode(IntercomRequest("POST", "/tags", {"name": "vip"})))
        Sink(intercom_source, intercom_gateway, intercom_clock, decode, monitor=intercom_monitor).run()
        assert [request.path for request in intercom_gateway.requests] == ["/tags"]
        assert intercom_monitor.events_of(Event)

    def test_publisher(intercom_publisher):
        intercom_publisher.publish(IntercomRequest("POST", "/tags", {"name": "vip"}))
        assert [message.request.path for message in intercom_publisher.messages] == ["/tags"]

    def test_publisher_for_asyncio(intercom_async_publisher):
        asyncio.run(intercom_async_publisher.publish(IntercomRequest("POST", "/tags", {"name": "vip"})))
        assert [message.request.path for message in intercom_async_publisher.messages] == ["/tags"]

    def test_each_test_has_fakes_of_its_own(intercom_source, intercom_gateway, intercom_clock):
        assert not intercom_source.queue and not intercom_gateway.requests and not intercom_clock.now
"""


def test_service_uses_the_fixtures_without_importing_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=5)


def test_fixtures_are_listed_with_what_they_are(pytester: pytest.Pytester) -> None:
    output = pytester.runpytest_subprocess("--fixtures").stdout.str()
    for name in (
        "fake_intercom",
        "intercom_source",
        "intercom_gateway",
        "intercom_clock",
        "intercom_monitor",
        "intercom_publisher",
        "intercom_async_publisher",
    ):
        assert f"{name} -- " in output


def test_plugin_imports_no_more_of_the_sink_than_it_must() -> None:
    """It is in every pytest process of an environment that has the sink."""
    code = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import intercom_sink.testing.pytest_plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "intercom_sink",
        "intercom_sink.lazy_names",
        "intercom_sink.testing",
        "intercom_sink.testing.pytest_plugin",
    ]


def test_public_names_of_the_fakes_are_sorted_and_exist() -> None:
    from intercom_sink import testing

    assert testing.__all__ == sorted(testing.__all__)
    assert testing._MODULES.keys() == set(testing.__all__)
    for name in testing.__all__:
        assert getattr(testing, name).__module__.startswith(f"intercom_sink.testing.{testing._MODULES[name]}")
    with pytest.raises(ImportError, match="'no_such_name'"):
        exec("from intercom_sink.testing import no_such_name")
