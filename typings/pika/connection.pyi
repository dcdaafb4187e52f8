from ssl import SSLContext
from typing import Any

class _Credentials:
    username: str
    password: str

class SSLOptions:
    context: SSLContext
    server_hostname: str | None

class Parameters:
    host: str
    port: int
    virtual_host: str
    credentials: _Credentials
    heartbeat: int | None
    frame_max: int
    ssl_options: SSLOptions | None
    blocked_connection_timeout: float | None
    client_properties: dict[str, Any] | None
    socket_timeout: float
    stack_timeout: float

class URLParameters(Parameters):
    def __init__(self, url: str) -> None: ...
