"""Check of Intercom and of the token: `GET /me`."""

from collections.abc import Iterator, Mapping

from urllib3.util import parse_url

from intercom_sink.adapters.intercom.response import as_object, read_object, sanitize
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import NoResponse, Response
from intercom_sink.entrypoints.bootstrap import build_http_gateway
from intercom_sink.entrypoints.checks.finding import Finding
from intercom_sink.entrypoints.settings import Settings

HOSTS = {"US": "api.intercom.io", "EU": "api.eu.intercom.io", "AU": "api.au.intercom.io"}
"""Intercom's hosts, by the region that `GET /me` names."""

_MAX_NAME = 80
"""Characters that are shown of each thing that `GET /me` says."""

_QUOTES = "\"'`"

_HINTS: Mapping[int, str] = {
    401: "the token is refused: is it complete, not revoked, and of this region (EU: https://api.eu.intercom.io, "
    "Australia: https://api.au.intercom.io)?",
    403: "the token lacks a permission, or the workspace's plan lacks the API",
    404: "does CJW_INTERCOM_API_URL name Intercom, with the right path?",
}
"""What to check, by the status of the response."""


def check_intercom(settings: Settings) -> Iterator[Finding]:
    """Whether Intercom accepts the token, and whose token it is."""
    if settings.mock:
        yield Finding.ok("mock: messages are logged, nothing is sent")
        return
    host = parse_url(settings.api_url).netloc or ""
    if settings.proxy is not None:
        yield Finding.ok(f"through the proxy {settings.proxy}")
    gateway = build_http_gateway(settings)
    try:
        result, body = gateway.send_and_read(IntercomRequest("GET", "/me"))
    finally:
        gateway.close()
    if isinstance(result, NoResponse):
        yield Finding.failed(f"GET /me: no response: {result.reason} (from {host})")
        return
    text = f"{' '.join(['GET /me:', str(result.status), *result.error_codes])} from {host}"
    if result.status == 200:
        yield Finding.ok(text)
        yield from _describe_workspace(body, host, settings.token.value)
    else:
        hint = _hint(result, settings.token.value)
        yield Finding.failed(f"{text}; {hint}" if hint else text)


def _hint(response: Response, token: str) -> str | None:
    if response.status == 401 and (token[0] in _QUOTES or token[-1] in _QUOTES):
        return "the token has quotes round it, which are sent with it: take them off"
    return _HINTS.get(response.status)


def _describe_workspace(body: bytes, host: str, token: str) -> Iterator[Finding]:
    """What Intercom says of the workspace and its region; nothing where it says nothing."""
    app = as_object(read_object(body).get("app"))
    name, id_code, region = (_shown(app.get(key), token) for key in ("name", "id_code", "region"))
    workspace = f"{name} ({id_code})" if name and id_code else name or id_code
    found = [f"{what} {value}" for what, value in (("workspace", workspace), ("region", region)) if value]
    if found:
        yield Finding.ok(", ".join(found))
    if region in HOSTS and host in HOSTS.values() and host != HOSTS[region]:
        yield Finding.warning(f"the workspace's region is {region}: set CJW_INTERCOM_API_URL=https://{HOSTS[region]}")


def _shown(value: object, token: str) -> str | None:
    return sanitize(value.replace(token, "***"), _MAX_NAME) if isinstance(value, str) else None
