"""The list of everything that can happen."""

import dataclasses

import pytest

from intercom_sink import Event
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import MessageMalformed
from tests.support.events import KINDS, example_of


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_event_is_a_documented_frozen_value(kind: type[Event]) -> None:
    event = example_of(kind)
    assert not hasattr(event, "__dict__"), "slots"
    assert kind.__doc__ is not None
    assert not kind.__doc__.startswith(f"{kind.__name__}("), "a docstring of its own"
    assert event == example_of(kind)
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, None)


def test_malformed_body_is_not_in_a_repr() -> None:
    """A traceback or a debugger shows reprs; the body may name people."""
    assert "ada@example.com" not in repr(MessageMalformed(Envelope(), "not msgpack", b"ada@example.com"))
