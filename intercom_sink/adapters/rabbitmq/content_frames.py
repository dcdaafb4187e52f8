"""Reads the frames that carry messages from the bytes of a connection: a content header, or a whole delivery.

On the wire (AMQP 0-9-1, 4.2) a delivery is three frames, each of a type, a channel, the size of its payload, the
payload and an end byte:

    1  channel  size  60 60 consumer-tag delivery-tag redelivered exchange routing-key  0xCE     basic.deliver
    2  channel  size  60 0 size-of-body properties                                      0xCE     content header
    3  channel  size  body                                                              0xCE     content body, if any

pika decodes each frame separately, through several objects and look-ups. That took over a third of the CPU time in
which a message is received and acked.
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

PROPERTIES_OVERHEAD = _FRAME.size + _CONTENT_HEADER.size + 1
"""Bytes of a content header's frame besides the properties."""


class ContentHeader(NamedTuple):
    """The frame with a message's properties.

    Args:
        end: where it ends in the bytes.
        channel: its channel.
        body_size: bytes of the message.
        properties: the message's properties, encoded.
    """

    end: int
    channel: int
    body_size: int
    properties: bytes


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


def read_content_header(data: bytes, start: int = 0) -> ContentHeader | None:
    """The content header that begins at `start`; None: something else begins there, or it is not whole yet."""
    frame = _read_frame(data, start, _HEADER)
    if frame is None or len(frame.payload) < _CONTENT_HEADER.size:
        return None
    class_id, _, size = _CONTENT_HEADER.unpack_from(data, frame.payload.start)
    if class_id != _BASIC:
        return None
    return ContentHeader(
        frame.end,
        frame.channel,
        size,
        data[frame.payload.start + _CONTENT_HEADER.size : frame.payload.stop],
    )


def read_delivery(data: bytes, start: int, channel: int) -> DeliveryFrames | None:
    """The delivery to this channel that begins at `start`.

    Returns:
        None where something else begins there, where it is not whole yet, and where its body takes several frames: all
        of that is pika's business.
    """
    if data[start + _FRAME.size : start + _FRAME.size + len(_DELIVER)] != _DELIVER:
        return None
    method = _read_frame(data, start, _METHOD)
    if method is None or method.channel != channel:
        return None
    header = read_content_header(data, method.end)
    if header is None or header.channel != channel:
        return None
    body, end = b"", header.end
    if header.body_size:
        frame = _read_frame(data, header.end, _BODY)
        if frame is None or frame.channel != channel or len(frame.payload) != header.body_size:
            return None
        body, end = data[frame.payload.start : frame.payload.stop], frame.end
    tag_at = method.payload.start + len(_DELIVER)
    tag, bits = _DELIVERY_TAG.unpack_from(data, tag_at + 1 + data[tag_at])
    return DeliveryFrames(end, tag, bool(bits & 1), header.properties, body)


class _Frame(NamedTuple):
    channel: int
    payload: range
    end: int


def _read_frame(data: bytes, start: int, kind: int) -> _Frame | None:
    """The frame at `start`, where its payload is, and where it ends; None: it is not one of this kind, or not whole."""
    begin = start + _FRAME.size
    if len(data) < begin:
        return None
    found, channel, size = _FRAME.unpack_from(data, start)
    end = begin + size
    if found != kind or len(data) <= end or data[end] != _END:
        return None
    return _Frame(channel, range(begin, end), end + 1)
