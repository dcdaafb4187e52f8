"""IntercomGateway over HTTPS, on urllib3."""

import json
import re
from dataclasses import replace

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from intercom_sink.adapters.intercom_answer import read_answer
from intercom_sink.adapters.intercom_connection import (
    StrictHTTPConnectionPool,
    StrictHTTPSConnectionPool,
    start_attempt,
)
from intercom_sink.domain.outcome import NoAnswer, Outcome
from intercom_sink.domain.request import IntercomRequest

MAX_ANSWER = 2**20
"""Bytes read of an answer's body. The rest is left unread, and the connection with it."""

_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
"""A "%" that begins no escape. urllib3 would take it as a sign that the whole path is still to be escaped."""

LONGEST_REASON = 200
"""Characters of the reason why there is no answer."""


class IntercomHTTP:
    """Sends requests to one base URL, and nowhere else, over connections that are kept alive.

    Args:
        base_url: scheme, host, port and path prefix; the path of a request is appended.
        token: Intercom's access token.
        user_agent: how to introduce ourselves.
        api_version: sent as `Intercom-Version`, where it is given.
        timeout: seconds that one whole attempt may take, from connecting to the last byte of the answer.
        connections: how many attempts there are at the same time, at most.
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

    def send(self, request: IntercomRequest) -> Outcome:
        """Makes one attempt; every failure to get a whole, valid answer in time is a NoAnswer."""
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
            # The one place where what urllib3 and the sockets raise becomes a value of ours. ValueError: the standard
            # library's word for some answers that are not HTTP, such as a chunk of a negative size.
            return NoAnswer(self._redact(f"{type(error).__name__}: {error}")[:LONGEST_REASON])
        answer = read_answer(response.status, response.headers, content)
        if answer.request_id is None and not answer.error_codes:
            return answer
        # A server that sends the token back must not bring it into a log line.
        return replace(
            answer,
            request_id=answer.request_id and self._redact(answer.request_id),
            error_codes=tuple(self._redact(code) for code in answer.error_codes),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()

    def _redact(self, text: str) -> str:
        return text.replace(self._token, "***")


def _read(response: BaseHTTPResponse) -> bytes:
    """The body, up to MAX_ANSWER bytes; keeps the connection alive only if nothing more can come on it."""
    body = b""
    try:
        while len(body) < MAX_ANSWER:
            piece = response.read(MAX_ANSWER - len(body), decode_content=False)
            if not piece:  # the end; a truncated body raises here
                break
            body += piece
        else:
            response.close()
        if response.status < 200:  # after a 1xx the real answer is still to come
            response.close()
        return body
    finally:
        response.release_conn()
