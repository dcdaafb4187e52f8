"""The demo's messages, one for each outcome, and how Intercom responds to each."""

from dataclasses import dataclass, field

from intercom_sink.domain.json_value import JsonValue
from intercom_sink.domain.policy import Disposition
from intercom_sink.testing.intercom import Behaviour, error, rate_limited, reply, reset


@dataclass(frozen=True)
class Sample:
    """One message.

    Args:
        method: the request's method.
        path: the request's path.
        data: the request's data.
        behaviours: how Intercom responds to each attempt.
        disposition: what must become of the message.
    """

    method: str
    path: str
    data: JsonValue
    behaviours: list[Behaviour] = field(compare=False)
    disposition: Disposition


SAMPLES = [
    Sample("POST", "/contacts", {"email": "ada@example.com", "name": "Ada"}, [reply(200)], Disposition.DELIVERED),
    Sample("DELETE", "/contacts/gone", None, [error(404, "not_found")], Disposition.NOT_FOUND),
    Sample(
        "POST",
        "/events",
        {"event_name": "ordered", "created_at": 1764115200, "email": "ada@example.com"},
        [reply(503), reply(202)],
        Disposition.DELIVERED,
    ),
    Sample("PUT", "/contacts/1", {"name": "Ada L."}, [reply(500), reply(502)], Disposition.REPEATED_SERVER_ERROR),
    Sample("POST", "/notes", {"body": ""}, [error(422, "parameter_invalid")], Disposition.REJECTED),
    Sample("POST", "/messages", {"body": "hello"}, [rate_limited(3), reply(200)], Disposition.DELIVERED),
    Sample("POST", "/tags", {"name": "vip"}, [reset, reply(200)], Disposition.DELIVERED),
    Sample("GET", "/me", None, [reply(200)], Disposition.DELIVERED),
]

MALFORMED = b"this is not msgpack"
