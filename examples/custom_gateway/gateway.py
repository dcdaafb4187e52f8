"""IntercomGateway to another HTTP API.

The sink decides by the status: 2xx and 404 are settled, 429 pauses, 5xx is sent again once, no response for ever. So an
API that means something else by a status has it translated here.
"""

import json
import re

import urllib3

from intercom_sink import AttemptResult, IntercomRequest, NoResponse, RateLimit, Response, TraceContext

STATUSES = {423: 429}
"""This API says 423 (locked) where a client shall wait and send the request again."""


class CRMGateway:
    """Sends requests to a CRM that has an API key in place of a token. Any number of threads may send at once.

    Args:
        base_url: scheme, host, port and path prefix; the path of a request is appended.
        api_key: sent as `X-Api-Key`.
        timeout: seconds to connect, and seconds between two bytes of a response; a slow drip may take longer.
        connections: connections kept alive, at most.
    """

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 30.0, connections: int = 1) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"X-Api-Key": api_key, "Accept": "application/json"}
        # The sink retries and never follows a redirect; nor may urllib3.
        self._pool = urllib3.PoolManager(maxsize=connections, block=True, retries=False, timeout=timeout)

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        """Makes one attempt. Every failure to get a response is a value."""
        headers = self._headers | (trace.headers() if trace else {})
        body = None
        if request.data is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(request.data, allow_nan=False)
        try:
            raw = self._pool.request(
                request.method, self._base_url + request.path, body=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            return NoResponse(type(error).__name__)  # the name alone: the text may hold the URL
        wait = raw.headers.get("Retry-After", "")
        return Response(
            STATUSES.get(raw.status, raw.status),
            RateLimit(retry_after=float(wait) if re.fullmatch("[0-9]{1,9}", wait) else None),
            request_id=raw.headers.get("X-Request-Id"),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()
