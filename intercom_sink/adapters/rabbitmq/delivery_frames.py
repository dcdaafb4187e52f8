"""Reads a whole delivery from the bytes of a connection at once: its method, its properties and its body.

On the wire (AMQP 0-9-1, 4.2) these are three frames, each of a type, a channel, the size of its payload, the payload
and an end byte:

    1  channel  size  60 60 consumer-tag delivery-tag redelivered exchange routing-key  0xCE     basic.deliver
    2  channel  size  60 0 size-of-body properties                                      0xCE     content header
    3  channel  size  body                                                              0xCE     content body, if any

pika takes each frame for itself, through several objects and look-ups. That took over a third of what a message cost.
"""

import struct
from typing import NamedTuple

_FRAME = struct.Struct(">BHI")
_CONTENT_HEADER = struct.Struct(">HHQ")
_DELIVERY_TAG = struct.Struct(">QB")
_DELIVER = b"\x00\x3c\x00\x3c"
_END = 0xCE
_METHOD, _HEADER, _BODY = 1, 2, 3
_BASIC = 60


class DeliveryFrames(NamedTuple):
    """One delivery.

    Args:
        end: where its last frame ends in the bytes.
        tag: its delivery tag.
        redelivered: whether the broker has delivered the message before.
        properties: the message's properties, encoded.
        body: the message.
    """

    end: int
    tag: int
    redelivered: bool
    properties: bytes
    body: bytes


def read_delivery(data: bytes, start: int, channel: int) -> DeliveryFrames | None:
    """The delivery to this channel that begins at `start`.

    Returns:
        None where something else begins there, where it is not whole yet, and where its body takes several frames: all
        of that is pika's business.
    """
    if data[start + _FRAME.size : start + _FRAME.size + len(_DELIVER)] != _DELIVER:
        return None
    method = _payload(data, start, _METHOD, channel)
    if method is None:
        return None
    header = _payload(data, method.stop + 1, _HEADER, channel)
    if header is None or len(header) < _CONTENT_HEADER.size:
        return None
    class_id, _, size = _CONTENT_HEADER.unpack_from(data, header.start)
    body = range(header.stop, header.stop) if size == 0 else _payload(data, header.stop + 1, _BODY, channel)
    if class_id != _BASIC or body is None or len(body) != size:
        return None
    tag_at = method.start + len(_DELIVER)
    tag, bits = _DELIVERY_TAG.unpack_from(data, tag_at + 1 + data[tag_at])
    return DeliveryFrames(
        body.stop + 1,
        tag,
        bool(bits & 1),
        data[header.start + _CONTENT_HEADER.size : header.stop],
        data[body.start : body.stop],
    )


def _payload(data: bytes, start: int, kind: int, channel: int) -> range | None:
    """Where the payload of the frame at `start` is; None: it is not one of this kind and channel, or not whole."""
    begin = start + _FRAME.size
    if len(data) < begin:
        return None
    found_kind, found_channel, size = _FRAME.unpack_from(data, start)
    end = begin + size
    if found_kind != kind or found_channel != channel or len(data) <= end or data[end] != _END:
        return None
    return range(begin, end)
