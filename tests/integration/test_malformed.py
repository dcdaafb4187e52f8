"""Malformed messages: logged without their contents, acked, and followed by the next message."""

import hashlib
import json
import re

import msgpack
import pytest

from intercom_sink.testing.intercom import FakeIntercom
from tests.support.messages import message, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue


def pack(value: object) -> bytes:
    return bytes(msgpack.packb(value))


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "not msgpack": b"\xc1",
    "truncated": message(1)[:-1],
    "two values": message(1) * 2,
    "not a map": pack([1, 2, 3]),
    "JSON": b'{"method": "GET", "path": "/me", "data": null}',
    "key missing": pack({"method": "GET", "path": "/me"}),
    "key too many": pack({"method": "GET", "path": "/me", "data": None, "more": 1}),
    "unknown method": pack({"method": "TRACE", "path": "/me", "data": None}),
    "method not text": pack({"method": 1, "path": "/me", "data": None}),
    "relative path": pack({"method": "GET", "path": "me", "data": None}),
    "another host": pack({"method": "GET", "path": "//example.com/me", "data": None}),
    "whole URL": pack({"method": "GET", "path": "https://example.com/me", "data": None}),
    "header injection": pack({"method": "GET", "path": "/me HTTP/1.1\r\nX-Evil: 1", "data": None}),
    "backslash": pack({"method": "GET", "path": "/\\example.com", "data": None}),
    "fragment": pack({"method": "GET", "path": "/me#x", "data": None}),
    "binary": pack({"method": "POST", "path": "/me", "data": {"x": b"\xff"}}),
    "extension type": pack({"method": "POST", "path": "/me", "data": msgpack.ExtType(5, b"x")}),
    "timestamp": pack({"method": "POST", "path": "/me", "data": msgpack.Timestamp(1)}),
    "NaN": pack({"method": "POST", "path": "/me", "data": [float("nan")]}),
    "infinity": pack({"method": "POST", "path": "/me", "data": {"x": float("inf")}}),
    "key not text": pack({"method": "POST", "path": "/me", "data": {1: 2}}),
    "text not UTF-8": b"\x83\xa6method\xa3GET\xa4path\xa3/me\xa4data\xa1\xff",
    "nested deep": b"\x83\xa6method\xa3GET\xa4path\xa3/me\xa4data" + b"\x91" * 1000 + b"\xc0",
    "nested deeper": b"\x91" * 100_000,
    "huge declared list": b"\xdd\xff\xff\xff\xff",
    "millions of values": b"\xdd\x00\x1e\x84\x80" + b"\x80" * 2_000_000,
}


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_malformed_message_of_each_kind_is_logged_and_acked(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, level: str
) -> None:
    """The next one is sent. The log line has reason, length and digest; at DEBUG the beginning too, short, escaped."""
    bodies: list[bytes] = []
    for number, body in enumerate(MALFORMED.values()):
        bodies += [body, message(number)]
    queue.publish(*bodies)
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL=level)
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == list(range(len(MALFORMED)))
    lines = sink.logs("malformed")
    assert [line["level"] for line in lines] == ["ERROR"] * len(MALFORMED)
    fields = {"time", "level", "logger", "event", "reason", "bytes", "sha256"}
    if level == "DEBUG":
        fields.add("beginning")
    for line, (name, body) in zip(lines, MALFORMED.items(), strict=True):
        assert line.keys() == fields, name
        assert line["reason"], name
        assert len(line["reason"]) < 250, name
        assert (line["bytes"], line["sha256"]) == (len(body), hashlib.sha256(body).hexdigest()), name
        assert len(line.get("beginning", "")) < 250, name
        assert json.dumps(line, ensure_ascii=False).isascii(), name
    assert queue.take_all() == []


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_malformed_message_shows_nothing_of_its_data_at_info(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, log_format: str
) -> None:
    """It may name people. The body is hidden whichever part of it is invalid, and from every log line."""
    private = "ada.lovelace@example.com"
    data = {"email": private}
    queue.publish(
        private.encode(),
        json.dumps({"method": "POST", "path": "/contacts", "data": data}).encode(),
        pack(private),
        pack([private]),
        pack({"method": "POST", "path": "/contacts", "data": data})[:-1],
        pack({"method": "TRACE", "path": "/contacts", "data": data}),
        pack({"method": "POST", "path": "contacts", "data": data}),
        pack({"method": "POST", "path": "/contacts", "data": {**data, "avatar": private.encode() + b"\xff"}}),
        pack({"method": "POST", "path": "/contacts", "data": data, "more": private}),
        pack({"method": [private], "path": "/contacts", "data": data}),
        pack({"method": "POST", "path": {"of": private}, "data": data}),
    )
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO", CJW_LOG_FORMAT=log_format)
    assert sink.wait() == 0, sink.stderr
    assert sink.stdout == "11 messages processed: 11 malformed\n"
    assert len(re.findall(r"\bmalformed\b", sink.stderr)) >= 11
    assert "lovelace" not in sink.stderr
    assert intercom.requests == []


def test_malformed_message_shows_its_beginning_at_debug(queue: Queue, start_sink: StartSink) -> None:
    queue.publish(b"not msgpack \xff\n" + b"x" * 1000)
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="DEBUG")
    assert sink.wait() == 0, sink.stderr
    (line,) = sink.logs("malformed")
    assert line["beginning"] == "b'not msgpack \\xff\\n" + "x" * 26 + "' and 974 bytes more"
