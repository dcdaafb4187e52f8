"""`make demo` on the tests' own broker."""

import sys

import pytest

from tests.support.processes import run_process


@pytest.mark.long
def test_demo_shows_each_outcome_and_ends_by_itself(rabbitmq: str) -> None:
    done = run_process(sys.executable, "-m", "demo", CJW_RABBITMQ_HOST=rabbitmq)
    assert done.returncode == 0, done.stdout + done.stderr
    for outcome in ("=> delivered", "=> not found", "=> given up: rejected", "=> given up: malformed"):
        assert outcome in done.stdout
