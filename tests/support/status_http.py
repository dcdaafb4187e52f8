"""Asks a running sink over HTTP, as a probe or Prometheus does."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any


@dataclass(frozen=True)
class HTTPReply:
    """A response."""

    status: int
    headers: Message
    text: str


def get(port: int, path: str, method: str = "GET") -> HTTPReply:
    """Sends a request to a port of 127.0.0.1; raises OSError if there is no response."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return HTTPReply(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return HTTPReply(error.code, error.headers, error.read().decode())


def ready(port: int) -> dict[str, Any]:
    """What /readyz says; "ready" must agree with the status."""
    reply = get(port, "/readyz")
    document: dict[str, Any] = json.loads(reply.text)
    assert (reply.status == 200) is document["ready"]
    return document


def samples(port: int) -> dict[str, float]:
    """The samples of /metrics, by name and labels as they are written."""
    text = get(port, "/metrics").text
    return {name: float(value) for name, value in re.findall(r"^([^#\n].*) (\S+)$", text, re.MULTILINE)}
