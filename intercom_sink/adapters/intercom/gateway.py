"""IntercomGateway over HTTP and HTTPS."""

import threading
from collections.abc import Iterable

from urllib3.util import parse_url

from intercom_sink.adapters.intercom.connecting import Route, tls_context
from intercom_sink.adapters.intercom.connection_pool import EXCHANGE_ERRORS, ConnectionPool
from intercom_sink.adapters.intercom.deadline import Deadline
from intercom_sink.adapters.intercom.proxy import Proxy
from intercom_sink.adapters.intercom.request_writer import RequestWriter
from intercom_sink.adapters.intercom.response import sanitize, to_response
from intercom_sink.adapters.secrets import Secret
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult, NoResponse, Response

MAX_REASON = 200
"""Characters of the reason why there is no response."""

MAX_TOKENS = 10
"""How many tokens are redacted: the current one, and those used before it."""

_PROXY_AUTHENTICATION_REQUIRED = 407


class HTTPGateway:
    """Sends requests to one base URL, and nowhere else, over connections that are kept alive.

    Args:
        base_url: scheme, host, port and path prefix; the path of a request is appended.
        token: Intercom's access token. It is reloaded when Intercom refuses it, and where it has changed by then the
            same request is sent again at once.
        user_agent: sent as `User-Agent`.
        api_version: sent as `Intercom-Version`, where it is given.
        timeout: seconds that one whole attempt may take, from connecting to the last byte of the response.
        connections: connections kept alive between attempts, at most.
        proxy: connects through it.
    """

    def __init__(
        self,
        base_url: str,
        token: Secret,
        *,
        user_agent: str,
        api_version: str | None = None,
        timeout: float = 30.0,
        connections: int = 1,
        proxy: Proxy | None = None,
    ) -> None:
        url = parse_url(base_url)
        tls = tls_context() if url.scheme == "https" else None
        route = Route((url.host or "").strip("[]"), url.port or (80 if tls is None else 443), tls, proxy)
        headers = {"Accept": "application/json", "User-Agent": user_agent}
        if api_version is not None:
            headers["Intercom-Version"] = api_version
        self._pool = ConnectionPool(route, max_idle_connections=connections)
        self._is_forwarded = proxy is not None and tls is None
        self._writer = RequestWriter(url, headers, proxy if self._is_forwarded else None)
        self._timeout = timeout
        self._token = token
        self._redactor = _Redactor(proxy.secrets if proxy else ())

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        """Makes one attempt; every failure to get a whole, valid response in time is a NoResponse.

        A token that is refused and has changed meanwhile is replaced, and the request is sent again at once, with a new
        deadline and without another permit of the rate limiter.
        """
        return self.send_and_read(request, trace)[0]

    def send_and_read(self, request: IntercomRequest, trace: TraceContext | None = None) -> tuple[AttemptResult, bytes]:
        """The same; returns the body of the response, too, as it came: it may hold the token."""
        token, resent = self._token.value, False
        while True:
            result, body = self._send(request, trace, token, resent)
            resent = resent or (isinstance(result, Response) and result.resent)
            if not isinstance(result, Response) or result.status not in (401, 403):
                return result, body
            self._token.reload()  # finds nothing if another thread has reloaded it; so the values are compared
            refused, token = token, self._token.value
            if token == refused:
                return result, body

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()

    def _send(
        self, request: IntercomRequest, trace: TraceContext | None, token: str, resent: bool
    ) -> tuple[AttemptResult, bytes]:
        self._redactor.add(token)
        content = self._writer.write(request, token, trace)
        try:
            raw, resent_now = self._pool.exchange(request.method, content, Deadline(self._timeout))
        except EXCHANGE_ERRORS as error:  # the one place where they are translated
            return NoResponse(sanitize(self._redactor.redact(f"{type(error).__name__}: {error}"), MAX_REASON)), b""
        if self._is_forwarded and raw.status == _PROXY_AUTHENTICATION_REQUIRED:
            return NoResponse("ProxyError: the proxy refuses the user or the password"), b""  # not Intercom's response
        return to_response(
            raw.status, raw.headers, raw.body, self._redactor.redact, resent=resent or resent_now
        ), raw.body


class _Redactor:
    """Takes secrets out of texts: a server that echoes one must not bring it into a log line or a dead letter.

    Args:
        secrets: besides the tokens.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)
        self._tokens: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def add(self, token: str) -> None:
        if token not in self._tokens:
            with self._lock:
                self._tokens = (token, *self._tokens)[:MAX_TOKENS]

    def redact(self, text: str) -> str:
        for secret in sorted(self._tokens + self._secrets, key=len, reverse=True):  # one may begin with another
            text = text.replace(secret, "***")
        return text
