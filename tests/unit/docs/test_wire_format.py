"""The vectors of the wire format are what the code makes, and the code reads them as they say."""

import json
import re
import runpy
from typing import Any

import pytest

from intercom_sink import IntercomRequest, MalformedMessage, decode, encode
from intercom_sink.adapters.rabbitmq.properties import Properties, read_properties
from tests.support.documents import ROOT
from tests.support.wire_format import FILE, VECTORS, body_of, name_of, request_of, untagged

PAGE = (ROOT / "docs" / "wire-format.md").read_text()


def of(*sections: str) -> pytest.MarkDecorator:
    """Runs a test once for each vector of these sections."""
    return pytest.mark.parametrize("vector", [v for section in sections for v in VECTORS[section]], ids=name_of)


def test_the_vectors_are_what_the_code_makes() -> None:
    """Remake them with `make docs`."""
    assert runpy.run_path(str(ROOT / "docs" / "wire_format"))["render"]() == FILE.read_text()


@of("valid", "other_encodings")
def test_message_is_read_as_its_request(vector: dict[str, Any]) -> None:
    read = decode(body_of(vector))
    assert read == request_of(vector)
    assert json.dumps(read.data) == json.dumps(untagged(vector["request"]["data"])), "1, 1.0 and true are equal"


@of("valid")
def test_request_is_packed_in_the_shortest_form(vector: dict[str, Any]) -> None:
    assert encode(request_of(vector)) == body_of(vector)


@of("malformed")
def test_malformed_message_is_refused_with_its_text(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage, match=re.escape(vector["text"])):
        decode(body_of(vector))


@of("headers")
def test_headers_are_read_as_the_vectors_say(vector: dict[str, Any]) -> None:
    encoded = b"".join(Properties(headers=vector["headers"]).encode())
    envelope = read_properties(encoded).envelope
    trace = envelope.trace and envelope.trace.headers()
    assert {"ordering_key": envelope.ordering_key, "trace": trace} == vector["read"]


@of("properties")
def test_properties_say_of_a_message_what_its_producer_said(vector: dict[str, Any]) -> None:
    encoded = b"".join(Properties(headers=vector["headers"], **vector["properties"]).encode())
    envelope = read_properties(encoded).envelope
    trace = envelope.trace.headers() if envelope.trace else {}
    read = {
        "ordering_key": envelope.ordering_key,
        "message_id": envelope.message_id,
        "timestamp": envelope.published_at,
    }
    assert {name: value for name, value in (read | trace).items() if value is not None} == vector["message"]


def test_vectors_have_every_class_of_reasons_and_each_name_once() -> None:
    assert {vector["reason"] for vector in VECTORS["malformed"]} == VECTORS["reasons"].keys()
    for section in ("valid", "other_encodings", "malformed", "properties", "headers"):
        names = [vector["name"] for vector in VECTORS[section]]
        assert len(set(names)) == len(names) > 5


def test_vectors_have_every_form_of_integers_texts_lists_and_maps() -> None:
    """The first byte of the data, which comes last in the shortest form."""
    forms = {body_of(vector).partition(b"\xa4data")[2][0] for vector in VECTORS["valid"]}
    assert {0xC0, 0xC2, 0xC3, *range(0xCB, 0xD4), 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE} <= forms
    for first, last in ((0x00, 0x7F), (0x80, 0x8F), (0x90, 0x9F), (0xA0, 0xBF), (0xE0, 0xFF)):
        assert forms & set(range(first, last + 1))


def test_the_page_has_the_classes_of_reasons_and_the_limits_of_the_code() -> None:
    section = PAGE.partition("## Malformed messages")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE))
    assert rows == VECTORS["reasons"]
    limits = VECTORS["limits"]
    for limit in (limits["bytes"], limits["values"]):
        assert f"{limit:,}" in PAGE
    assert f"{limits['levels']} levels" in PAGE


def test_the_page_shows_a_message_byte_by_byte() -> None:
    lines = re.findall(r"^ *((?:[0-9a-f]{2,} ?)+)", PAGE.partition("```text")[2].partition("```")[0], re.MULTILINE)
    body = bytes.fromhex("".join(lines))
    assert body == encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))
    assert f"has {len(body)} bytes" in PAGE
