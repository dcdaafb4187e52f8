from typing import Generic, TypeVar

from pika.spec import BasicProperties

_MethodT = TypeVar("_MethodT")

class Frame:
    frame_type: int
    channel_number: int

class Method(Frame, Generic[_MethodT]):
    method: _MethodT

class Header(Frame):
    body_size: int
    properties: BasicProperties
    def __init__(self, channel_number: int, body_size: int, props: BasicProperties) -> None: ...
