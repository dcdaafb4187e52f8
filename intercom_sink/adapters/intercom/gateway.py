"""IntercomGateway over HTTPS, on urllib3."""

import json
import re
from dataclasses import replace

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from intercom_sink.adapters.intercom.connection import (
    StrictHTTPConnectionPool,
    StrictHTTPSConnectionPool,
    start_attempt,
)
from intercom_sink.adapters.intercom.response import read_response
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult, NoResponse

MAX_BODY = 2**20
"""Bytes read of a response's body. If there are more, the connection is closed."""

_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
"""A "%" that begins no escape. urllib3 would take it as a sign that the whole path is not escaped yet."""

MAX_REASON = 200
"""Characters of the reason why there is no response."""


class HTTPGateway:
    """Sends requests to one base URL, and nowhere else, over connections that are kept alive.

    Args:
        base_url: scheme, host, port and path prefix; the path of a request is appended.
        token: Intercom's access token.
        user_agent: sent as `User-Agent`.
        api_version: sent as `Intercom-Version`, where it is given.
        timeout: seconds that one whole attempt may take, from connecting to the last byte of the response.
        connections: attempts at the same time, at most.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        user_agent: str,
        api_version: str | None = None,
        timeout: float = 30.0,
        connections: int = 1,
    ) -> None:
        url = parse_url(base_url)
        pool_class = StrictHTTPSConnectionPool if url.scheme == "https" else StrictHTTPConnectionPool
        self._pool: HTTPConnectionPool = pool_class(url.host or "", url.port, maxsize=connections, block=True)
        self._prefix = (url.path or "").rstrip("/")
        self._timeout = timeout
        self._token = token
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": user_agent}
        if api_version is not None:
            self._headers["Intercom-Version"] = api_version

    def send(self, request: IntercomRequest) -> AttemptResult:
        """Makes one attempt; every failure to get a whole, valid response in time is a NoResponse."""
        body, headers = None, self._headers
        if request.data is not None:
            body = json.dumps(request.data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
            headers = headers | {"Content-Type": "application/json"}
        start_attempt(self._timeout)
        try:
            response = self._pool.urlopen(
                request.method,
                self._prefix + _STRAY_PERCENT.sub("%25", request.path),
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                timeout=Timeout(self._timeout),
                preload_content=False,
                decode_content=False,
            )
            content = _read(response)
        except (HTTPError, OSError, ValueError) as error:
            # The one place where errors of urllib3 and of the sockets are translated. ValueError: the standard library
            # raises it for some responses that are not HTTP, such as a chunk of a negative size.
            return NoResponse(self._redact(f"{type(error).__name__}: {error}")[:MAX_REASON])
        read = read_response(response.status, response.headers, content)
        if read.request_id is None and not read.error_codes:
            return read
        # A server that echoes the token must not bring it into a log line.
        return replace(
            read,
            request_id=read.request_id and self._redact(read.request_id),
            error_codes=tuple(self._redact(code) for code in read.error_codes),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()

    def _redact(self, text: str) -> str:
        return text.replace(self._token, "***")


def _read(response: BaseHTTPResponse) -> bytes:
    """The body, up to MAX_BODY bytes; keeps the connection alive only if nothing more can arrive on it."""
    body = b""
    try:
        while len(body) < MAX_BODY:
            piece = response.read(MAX_BODY - len(body), decode_content=False)
            if not piece:  # the end; a truncated body raises here
                break
            body += piece
        else:
            response.close()
        if response.status < 200:  # the final response follows a 1xx
            response.close()
        return body
    finally:
        response.release_conn()
