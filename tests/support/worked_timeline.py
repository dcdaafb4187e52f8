"""Reads the worked timelines in docstrings, so that tests can replay them."""

import re
from types import ModuleType


def rows(module: ModuleType) -> list[tuple[float, str, str]]:
    """Each row of the module's worked timeline: the time, the event, and the state after it."""
    _, _, table = (module.__doc__ or "").partition("A worked timeline")
    found = re.findall(r"^ +(\d+\.\d)  (\S.*?)  +(\S.*)$", table, re.MULTILINE)
    return [(float(time), event, state) for time, event, state in found]
