"""What the fuzzer has found worth keeping stays right."""

from pathlib import Path

import pytest

from tests import fuzz
from tests.fuzz.target import check

CORPUS = sorted((Path(fuzz.__file__).parent / "corpus").iterdir())


def test_there_is_a_corpus() -> None:
    assert len(CORPUS) > 50


@pytest.mark.parametrize("first", range(10))
def test_every_entry_is_a_request_or_malformed(first: int) -> None:
    for entry in CORPUS[first::10]:
        check(entry.read_bytes())
