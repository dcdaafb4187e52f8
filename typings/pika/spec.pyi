from typing import Literal, Self

FRAME_HEADER: int
FRAME_HEADER_SIZE: int
FRAME_END: int
FRAME_END_SIZE: int
PERSISTENT_DELIVERY_MODE: Literal[2]

class Basic:
    class Cancel:
        consumer_tag: str

    class ConsumeOk:
        consumer_tag: str

    class Deliver:
        consumer_tag: str
        delivery_tag: int
        redelivered: bool

    class GetOk:
        delivery_tag: int
        redelivered: bool
        message_count: int

    class QosOk: ...

    class Ack:
        delivery_tag: int
        multiple: bool

    class Nack:
        delivery_tag: int
        multiple: bool

    class Return:
        reply_code: int
        reply_text: str
        exchange: str
        routing_key: str

class Confirm:
    class SelectOk: ...

class Queue:
    class DeclareOk:
        queue: str
        message_count: int
        consumer_count: int

class BasicProperties:
    INDEX: int
    content_type: str | None
    content_encoding: str | None
    delivery_mode: int | None
    priority: int | None
    correlation_id: str | None
    reply_to: str | None
    expiration: str | None
    message_id: str | None
    timestamp: int | None
    type: str | None
    user_id: str | None
    app_id: str | None
    cluster_id: str | None
    def __init__(
        self,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: dict[str, str] | None = None,
        delivery_mode: int | None = None,
        priority: int | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        expiration: str | None = None,
        message_id: str | None = None,
        timestamp: int | None = None,
        type: str | None = None,
        user_id: str | None = None,
        app_id: str | None = None,
        cluster_id: str | None = None,
    ) -> None: ...
    # An attribute, in truth; a property here, since the package's own subclass makes it one.
    @property
    def headers(self) -> dict[str, object] | None: ...
    def decode(self, encoded: bytes, offset: int = 0) -> Self: ...
    def encode(self) -> list[bytes]: ...
