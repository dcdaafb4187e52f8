"""`intercom-sink healthy`: its exit code, and the line that says why."""

from argparse import Namespace

import pytest

from intercom_sink.adapters.monitors.health.socket import HealthReport
from intercom_sink.entrypoints.commands import healthy


def run(monkeypatch: pytest.MonkeyPatch, reports: list[HealthReport], **environ: str) -> tuple[bool, list[str | None]]:
    """Whether all is well, and the queues that were asked for."""
    asked: list[str | None] = []

    def ask(queue: str | None) -> list[HealthReport]:
        asked.append(queue)
        return reports

    monkeypatch.setattr(healthy, "ask", ask)
    return healthy.execute(Namespace(), environ), asked


def test_healthy_sink_is_ok_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, [HealthReport(1, None)], CJW_INTERCOM_QUEUE_NAME=" q ") == (True, ["q"])
    assert capsys.readouterr().out == ""


def test_each_unhealthy_sink_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = [HealthReport(7, "it hangs"), HealthReport(8, None), HealthReport(9, "it did not answer")]
    assert run(monkeypatch, reports) == (False, [None])
    assert capsys.readouterr().out == "unhealthy: process 7: it hangs; process 9: it did not answer\n"


def test_no_sink_is_unhealthy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(monkeypatch, [], CJW_INTERCOM_QUEUE_NAME="q")[0]
    assert not run(monkeypatch, [], CJW_INTERCOM_QUEUE_NAME="")[0]
    assert capsys.readouterr().out == "unhealthy: no sink of the queue q runs here\nunhealthy: no sink runs here\n"


def test_queue_name_that_is_not_utf_8_is_that_of_no_sink(capsys: pytest.CaptureFixture[str]) -> None:
    assert not healthy.execute(Namespace(), {"CJW_INTERCOM_QUEUE_NAME": "\udcff"})
    assert capsys.readouterr().out == "unhealthy: no sink of the queue \\udcff runs here\n"
