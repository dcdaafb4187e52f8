"""The README's examples run."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", [block for block in BLOCKS if "InMemorySource" in block])
def test_the_example_of_the_fakes_runs(block: str) -> None:
    exec(block, {})


def test_there_is_such_an_example() -> None:
    assert sum("InMemorySource" in block for block in BLOCKS) == 1
