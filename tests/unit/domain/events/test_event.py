"""The list of everything that can happen."""

import dataclasses

import pytest

from intercom_sink import Event
from intercom_sink.domain import events
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


def test_package_names_every_event() -> None:
    assert {kind.__name__ for kind in KINDS} | {"Event", "Settled"} == set(events.__all__)
