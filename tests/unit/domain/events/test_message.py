"""What happens to one message."""

from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import MessageMalformed


def test_malformed_body_is_not_in_a_repr() -> None:
    """A traceback or a debugger shows reprs; the body may name people."""
    assert "ada@example.com" not in repr(MessageMalformed(Envelope(), "not msgpack", b"ada@example.com"))
