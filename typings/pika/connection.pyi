from ssl import SSLContext

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
    client_properties: dict[str, object] | None

class URLParameters(Parameters):
    def __init__(self, url: str) -> None: ...
