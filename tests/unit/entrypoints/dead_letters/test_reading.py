"""What `dead-letters export` reports. The rest needs a broker: tests/integration."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from intercom_sink import IntercomRequest, encode
from intercom_sink.adapters.rabbitmq.dead_letter_browser import StoredDeadLetter
from intercom_sink.adapters.rabbitmq.dead_letter_headers import dead_letter_properties
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.entrypoints.dead_letters import reading
from intercom_sink.entrypoints.dead_letters.selection import Filter
from intercom_sink.entrypoints.settings import DeadLetterSettings

SETTINGS = DeadLetterSettings.from_environment(
    {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q", "CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"}
)
ALL = Filter(None, None, None, None)
BODIES = {
    b"[]": Reason.MALFORMED,
    encode(IntercomRequest("GET", "/1")): Reason.REJECTED,
    encode(IntercomRequest("GET", "/2")): Reason.REJECTED,
}


class FakeBrowser:
    """Holds a malformed dead letter, and then two rejected ones."""

    count = len(BODIES)

    def browse(self) -> Iterator[StoredDeadLetter]:
        for number, (body, reason) in enumerate(BODIES.items(), 1):
            properties = dead_letter_properties(Properties(), DeadLetter(reason), "queue", 131_000)
            yield StoredDeadLetter(body, properties, number, number)


@pytest.fixture(autouse=True)
def _fake_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def open_browser(*_: object) -> Iterator[FakeBrowser]:
        yield FakeBrowser()

    monkeypatch.setattr(reading, "open_browser", open_browser)


def test_export_that_leaves_some_out_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`drop --limit 2` would delete the malformed one, which is in no file, and leave /2 to be published twice."""
    file = tmp_path / "letters.jsonl"
    assert not reading.export(SETTINGS, ALL, str(file))
    assert [json.loads(line)["path"] for line in file.read_text().splitlines()] == ["/1", "/2"]
    assert capsys.readouterr().err == (
        "exported 2 dead letters; left out 1 that `publish` can't read, "
        "and that `drop` with the same filters would delete\n"
    )


@pytest.mark.parametrize("which", [Filter("rejected", None, None, None), Filter("rejected", None, None, 2)])
def test_export_of_every_match_is_a_success(which: Filter, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reading.export(SETTINGS, which, str(tmp_path / "letters.jsonl"))
    assert capsys.readouterr().err == "exported 2 dead letters; left out 0 that `publish` can't read\n"
