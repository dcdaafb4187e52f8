"""The test vectors of `docs/wire-format.json`, read as a producer in any language reads them."""

import json
from typing import Any

from intercom_sink import IntercomRequest
from tests.support.documents import ROOT

FILE = ROOT / "docs" / "wire-format.json"

VECTORS: dict[str, Any] = json.loads(FILE.read_text())


def untagged(value: Any) -> Any:
    """The value that stands behind the tags `$integer` and `$repeat`."""
    match value:
        case {"$integer": digits}:
            return int(digits)
        case {"$repeat": item, "count": count}:
            return item * count if isinstance(item, str) else [untagged(item)] * count
        case dict():
            return {key: untagged(item) for key, item in value.items()}
        case list():
            return [untagged(item) for item in value]
    return value


def request_of(vector: dict[str, Any]) -> IntercomRequest:
    """The request of a vector."""
    return IntercomRequest(**untagged(vector["request"]))


def body_of(vector: dict[str, Any]) -> bytes:
    """The message of a vector."""
    end = vector.get("then", {"hex": "", "count": 0})
    repeated = bytes.fromhex(end["hex"]) * int(end["count"])
    return bytes.fromhex(vector["hex"]) + repeated


def name_of(vector: dict[str, Any]) -> str:
    """The name of a vector."""
    return str(vector["name"])
