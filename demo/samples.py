"""A message for each outcome, and how the demo's Intercom answers it."""

from dataclasses import dataclass, field

from intercom_sink.domain.json_value import JsonValue
from testbed.intercom import Behaviour, error, rate_limited, reply, reset


@dataclass(frozen=True)
class Sample:
    """A message, how it is answered, and what must become of it."""

    method: str
    path: str
    data: JsonValue
    answers: list[Behaviour] = field(compare=False)
    outcome: str


SAMPLES = [
    Sample("POST", "/contacts", {"email": "ada@example.com", "name": "Ada"}, [reply(200)], "delivered"),
    Sample("DELETE", "/contacts/gone", None, [error(404, "not_found")], "not found"),
    Sample("POST", "/events", {"event_name": "ordered"}, [reply(503), reply(202)], "delivered"),
    Sample("PUT", "/contacts/1", {"name": "Ada L."}, [reply(500), reply(502)], "server error again"),
    Sample("POST", "/notes", {"body": ""}, [error(422, "parameter_invalid")], "rejected"),
    Sample("POST", "/messages", {"body": "hello"}, [rate_limited(3), reply(200)], "delivered"),
    Sample("POST", "/tags", {"name": "vip"}, [reset, reply(200)], "delivered"),
    Sample("GET", "/me", None, [reply(200)], "delivered"),
]

MALFORMED = b"this is not msgpack"
