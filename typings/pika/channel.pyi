from collections.abc import Callable, Mapping

from pika.frame import Method
from pika.spec import Basic, BasicProperties, Confirm, Queue

class Channel:
    # Private.
    _cancelled: set[str]
    _consumers: dict[str, object]

    channel_number: int
    @property
    def is_open(self) -> bool: ...
    def add_on_close_callback(self, callback: Callable[[Channel, Exception], object]) -> None: ...
    def add_on_cancel_callback(self, callback: Callable[[Method[Basic.Cancel]], object]) -> None: ...
    def add_on_return_callback(
        self, callback: Callable[[Channel, Basic.Return, BasicProperties, bytes], object]
    ) -> None: ...
    def basic_ack(self, delivery_tag: int = 0, multiple: bool = False) -> None: ...
    def basic_consume(
        self,
        queue: str,
        on_message_callback: Callable[[Channel, Basic.Deliver, BasicProperties, bytes], object],
        *,
        arguments: Mapping[str, object] | None = None,
        callback: Callable[[Method[Basic.ConsumeOk]], object] | None = None,
    ) -> str: ...
    def basic_publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: BasicProperties | None = None,
        mandatory: bool = False,
    ) -> None: ...
    def basic_qos(
        self, *, prefetch_count: int = 0, callback: Callable[[Method[Basic.QosOk]], object] | None = None
    ) -> None: ...
    def confirm_delivery(
        self,
        ack_nack_callback: Callable[[Method[Basic.Ack | Basic.Nack]], object],
        callback: Callable[[Method[Confirm.SelectOk]], object] | None = None,
    ) -> None: ...
    def close(self) -> None: ...
    def queue_declare(
        self,
        queue: str,
        passive: bool = False,
        durable: bool = False,
        *,
        arguments: Mapping[str, object] | None = None,
        callback: Callable[[Method[Queue.DeclareOk]], object] | None = None,
    ) -> None: ...
