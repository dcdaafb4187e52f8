"""The proxy to Intercom, and the hosts that are reached without one, by the usual rules."""

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from urllib3.util import parse_url

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_EXPECTED = "must be http://host:port, perhaps with user:password@ before the host, and nothing else"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Args:
        host: its name or address, without brackets.
        port: its port.
        user: who uses it; None: anybody may.
        password: of that user.
    """

    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Proxy":
        """Reads a URL, or `host:port`; raises ValueError, whose text never shows it, if it names no HTTP proxy."""
        try:
            url = parse_url(text if "://" in text else f"http://{text}")
            host = (url.host or "").strip("[]")
            is_named = bool(host.encode("idna")) and url.port != 0
        except ValueError:
            raise ValueError(_EXPECTED) from None  # its cause might show the password
        if not is_named or not _VISIBLE_ASCII.fullmatch(text) or url.path not in (None, "/") or url.query is not None:
            raise ValueError(_EXPECTED)
        if url.scheme != "http":
            raise ValueError(f"{_EXPECTED}: other kinds of proxies, such as https:// and socks5://, can't be used")
        if url.fragment is not None:
            raise ValueError(_EXPECTED)
        user, colon, password = (url.auth or "").partition(":")
        if url.auth is None:
            return cls(host, url.port or 80)
        return cls(host, url.port or 80, unquote(user), unquote(password) if colon else None)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        # Without a password, the user may be a secret itself.
        user = "" if self.user is None else "***@" if self.password is None else f"{self.user}:***@"
        return f"http://{user}{host}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """The value of `Proxy-Authorization` (RFC 7617); None: it needs none."""
        if self.user is None:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the password, or the user if there is none; and the authorization that holds it."""
        hidden = self.user if self.password is None else self.password
        authorization = self.authorization
        return tuple(secret for secret in (hidden, authorization and authorization.partition(" ")[2]) if secret)


def bypasses_proxy(no_proxy: str, host: str, port: int) -> bool:
    """Whether a host is to be reached without a proxy.

    Args:
        no_proxy: names and addresses, separated by commas or blanks: `*` is every host; a name, with or without a dot
            before it, stands for itself and its subdomains; `10.0.0.0/8` is a network; a port may follow.
        host: the host, without brackets.
        port: its port.
    """
    host = host.lower().rstrip(".")
    return any(_covers(entry.lower(), host, port) for entry in re.split(r"[\s,]+", no_proxy) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal() and (":" not in name or name.endswith("]")):
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # one of them is a name
        suffix = entry.removeprefix("*").strip(".")
        return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))
