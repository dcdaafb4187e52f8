"""The example of a source keeps the promises of MessageSource, and feeds a sink."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.custom_source import DirectorySource
from examples.custom_source.__main__ import main
from intercom_sink import (
    BrokerUnavailable,
    DeadLetter,
    IntercomRequest,
    Reason,
    Response,
    Sink,
    decode,
    encode,
)
from intercom_sink.testing import InMemoryGateway, VirtualClock
from tests.contracts.message_source import BODIES, Losses, MessageSourceContract, receive


def write(directory: Path, *names: str, body: bytes = b"body") -> None:
    for name in names:
        (directory / name).write_bytes(body)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_file())


class DirectoryRig:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for number, body in enumerate(BODIES):
            write(directory, f"{number}.msgpack", body=body)
        self.source = DirectorySource(directory, drain=True)
        self.losses = Losses()
        self.source.on_lost(self.losses)

    def lose_connection(self) -> None:
        """There is no connection: deliveries are lost by a requeue alone."""
        self.source.requeue()

    def queued(self) -> list[bytes]:
        folders = (self._directory / "in-flight", self._directory)
        return [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.msgpack"))]

    def dead_letters(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self._directory / "given-up").glob("*.msgpack"))]


class TestDirectorySource(MessageSourceContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> DirectoryRig:
        return DirectoryRig(tmp_path)


def test_files_are_sent_in_order_and_moved_to_where_they_end(tmp_path: Path) -> None:
    for number, path in enumerate(["/contacts", "/refused", "/events"]):
        write(tmp_path, f"{number}.msgpack", body=encode(IntercomRequest("POST", path)))
    write(tmp_path, "3.msgpack", body=b"not msgpack")
    write(tmp_path, "4.msgpack.part", body=b"half wri")
    gateway = InMemoryGateway([Response(200), Response(422), Response(500), Response(200)])
    summary = Sink(DirectorySource(tmp_path, drain=True), gateway, VirtualClock(), decode).run()
    assert summary == {"delivered": 2, "rejected": 1, "malformed": 1}
    assert [request.path for request in gateway.requests] == ["/contacts", "/refused", "/events", "/events"]
    assert names(tmp_path) == ["4.msgpack.part"]
    assert names(tmp_path / "in-flight") == []
    assert names(tmp_path / "done") == ["0.msgpack", "2.msgpack"]
    assert names(tmp_path / "given-up") == ["1.json", "1.msgpack", "3.json", "3.msgpack"]
    assert json.loads((tmp_path / "given-up" / "1.json").read_text())["status"] == 422


def test_program_sends_the_files_of_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "1.msgpack", body=encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})))
    monkeypatch.setattr(sys, "argv", ["custom_source", str(tmp_path), "--drain"])
    monkeypatch.setenv("CJW_INTERCOM_API_TOKEN", "mock")
    handler = signal.getsignal(signal.SIGTERM)
    main()
    signal.signal(signal.SIGTERM, handler)
    assert capsys.readouterr().out == "delivered 1\n"
    assert names(tmp_path / "done") == ["1.msgpack"]


def test_files_of_a_crashed_sink_are_delivered_first_and_marked(tmp_path: Path) -> None:
    write(tmp_path, "2.msgpack")
    receive(DirectorySource(tmp_path))  # and then it crashes
    write(tmp_path, "1.msgpack")
    source = DirectorySource(tmp_path)
    first, second = receive(source), receive(source)
    assert [(d.envelope.message_id, d.redelivered) for d in (first, second)] == [
        ("2.msgpack", True),
        ("1.msgpack", False),
    ]


@pytest.mark.parametrize(("name", "key"), [("1.msgpack", None), ("1.contact-42.msgpack", "contact-42")])
def test_name_of_a_file_may_hold_an_ordering_key(tmp_path: Path, name: str, key: str | None) -> None:
    write(tmp_path, name)
    assert receive(DirectorySource(tmp_path)).envelope.ordering_key == key


def test_new_file_is_found_by_polling(tmp_path: Path) -> None:
    source = DirectorySource(tmp_path, poll_interval=0.001)
    write(tmp_path, "1.msgpack")
    receive(source).ack()
    write(tmp_path, "2.msgpack")
    assert receive(source).envelope.message_id == "2.msgpack"


def test_no_more_than_the_prefetch_is_in_memory(tmp_path: Path) -> None:
    write(tmp_path, "1.msgpack", "2.msgpack", "3.msgpack")
    source = DirectorySource(tmp_path, prefetch=2)
    first, _ = receive(source), receive(source)
    source.interrupt()
    assert source.receive() is None
    assert names(tmp_path) == ["3.msgpack"]
    first.ack()
    assert receive(source).envelope.message_id == "3.msgpack"


def test_directory_that_is_gone_ends_the_sink(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match="No such file or directory"):
        DirectorySource(tmp_path / "missing")


def test_file_that_can_not_be_moved_stays_unacked(tmp_path: Path) -> None:
    write(tmp_path, "1.msgpack")
    source = DirectorySource(tmp_path)
    delivery: Any = receive(source)
    (tmp_path / "given-up").rmdir()
    with pytest.raises(BrokerUnavailable):
        delivery.give_up(DeadLetter(Reason.REJECTED))
    source.close()
    assert names(tmp_path / "in-flight") == ["1.msgpack"]
