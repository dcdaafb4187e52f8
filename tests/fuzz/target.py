"""What must hold of any bytes."""

import json

from intercom_sink import IntercomRequest, MalformedMessage, decode, encode


def check(body: bytes) -> None:
    """Any bytes are a request that can be sent and packed again, or malformed, with a short reason."""
    try:
        request = decode(body)
    except MalformedMessage as error:
        reason = str(error)
    else:
        check_sendable(request)
        return
    assert 0 < len(reason) < 500
    assert reason.isascii()


def check_sendable(request: IntercomRequest) -> None:
    """It can be sent as JSON, and packed again."""
    assert json.dumps(request.data, ensure_ascii=False, allow_nan=False).encode()
    assert decode(encode(request)) == request
