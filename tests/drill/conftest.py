"""The stage of the drill: a broker with its metrics, an Intercom, a sink and a Prometheus, one for all scenes."""

from collections.abc import Iterator

import pytest

from tests.support.stage import Stage, set_stage


@pytest.fixture(scope="session")
def shared_stage() -> Iterator[Stage]:
    """The stage, set once."""
    with set_stage() as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """The stage, with all well before the scene, and after it."""
    shared_stage.recover()
    yield shared_stage
    shared_stage.recover()
