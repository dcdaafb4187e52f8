"""Writes requests, head and body in one piece. The header lines that do not change are made once."""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from urllib3.util import Url

from intercom_sink.adapters.intercom.proxy import Proxy
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.request import IntercomRequest

_TARGET_CHARACTERS = "!$&'()*+,;=:@/?%"
"""What a path with a query string may hold unescaped, besides letters, digits and "-._~" (RFC 3986, 3.3 and 3.4)."""

_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
"""A "%" that begins no escape."""

_NEEDS_NO_ESCAPE = re.compile(r"[-._~0-9A-Za-z!$&'()*+,;=:@/?]*")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_METHODS_WITH_A_BODY = ("POST", "PUT", "PATCH")

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class RequestWriter:
    """Writes requests to one base URL.

    Args:
        url: scheme, host, port and path prefix; the path of a request is appended.
        headers: sent with every request.
        proxy: reads the requests, so their first line has the whole URL; None: the server reads them.
    """

    def __init__(self, url: Url, headers: Mapping[str, str], proxy: Proxy | None = None) -> None:
        host = re.sub("%.*]", "]", url.host or "")  # the zone of an address has a meaning on this machine only
        port = None if url.port == {"http": 80, "https": 443}.get(url.scheme or "") else url.port
        authority = host if port is None else f"{host}:{port}"
        self._prefix = (f"{url.scheme}://{authority}" if proxy else "") + (url.path or "").rstrip("/")
        fields = {"Host": authority, "Accept-Encoding": "identity", **headers}
        if proxy is not None and proxy.authorization is not None:
            fields["Proxy-Authorization"] = proxy.authorization
        self._fields = _field_lines(fields)
        self._token_and_fields = ("", "")  # the last token, and all header lines with it

    def write(self, request: IntercomRequest, token: str, trace: TraceContext | None) -> bytes:
        """The bytes of a request. Thread-safe.

        Args:
            request: the request.
            token: Intercom's access token.
            trace: the trace that it belongs to, if there is one.

        Raises:
            ValueError: a header can't be sent, or data can't be encoded as JSON.
        """
        last_token, fields = self._token_and_fields
        if token != last_token:
            fields = self._fields + _field_lines({"Authorization": f"Bearer {token}"})
            self._token_and_fields = token, fields
        if trace is not None:
            fields += _field_lines(trace.headers())
        body = b""
        if request.data is not None:
            body = _encode_json(request.data).encode()
            fields += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        elif request.method in _METHODS_WITH_A_BODY:
            fields += "Content-Length: 0\r\n"
        return f"{request.method} {self._prefix}{_escape(request.path)} HTTP/1.1\r\n{fields}\r\n".encode("ascii") + body


def _escape(path: str) -> str:
    if _NEEDS_NO_ESCAPE.fullmatch(path):
        return path
    return quote(_STRAY_PERCENT.sub("%25", path), safe=_TARGET_CHARACTERS)


def _field_lines(fields: Mapping[str, str]) -> str:
    for name, value in fields.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the header {name} holds a character that can't be sent")
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())
