"""`intercom-sink fake-intercom` as a process, from its URL to its summary."""

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from intercom_sink.testing.intercom import FakeIntercom
from tests.support.processes import PROGRAM, run_command


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the URL that it prints."""
    command = [*PROGRAM, "fake-intercom", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("Intercom is at ").strip()
            assert process.stdout.readline() == f"export CJW_INTERCOM_API_URL={url}\n"
            yield process, url
        finally:
            process.kill()


def status_of(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_url_requests_and_summary_and_ends_by_a_signal(signum: signal.Signals) -> None:
    with running("--token", "secret", "--limit", "1000", "--latency", "0.01") as (process, url):
        assert [status_of(url + "/me?x=1", token) for token in ("secret", "wrong", "secret")] == [200, 401, 200]
        process.send_signal(signum)
        output, errors = process.communicate(timeout=30)
    assert output.splitlines() == [
        *("GET /me?x=1 200", "GET /me?x=1 401", "GET /me?x=1 200"),
        "requests: 3 (2 x 200, 1 x 401)",
    ]
    assert (errors, process.returncode) == ("", 0)


def test_part_of_the_requests_fails_as_told() -> None:
    with running("--fail", "1:503") as (process, url):
        assert status_of(url, "any") == 503
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30)[0].splitlines() == ["GET / 503", "requests: 1 (1 x 503)"]


def test_port_in_use_is_an_error_of_one_line() -> None:
    with FakeIntercom() as fake:
        done = run_command("fake-intercom", "--port", str(fake.port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"can't listen on 127.0.0.1:{fake.port}: Address already in use\n"
