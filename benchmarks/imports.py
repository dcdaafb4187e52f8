"""Measures how long `intercom-sink run` takes to import, beside its four libraries."""

import statistics
import subprocess
import sys

from benchmarks.cases import Case
from benchmarks.results import Measure

REPEATS = 9
RUN = "intercom_sink.entrypoints.commands.run"
LIBRARIES = "pika, msgpack, urllib3, pydantic"


def measure_imports(_: str, __: Case) -> dict[Measure, float]:
    """The medians of fresh processes, which take turns; the interpreter's own start does not count."""
    pairs = [(_seconds(RUN), _seconds(LIBRARIES)) for _ in range(REPEATS + 1)]
    ours, libraries = (statistics.median(times) for times in zip(*pairs[1:], strict=True))
    return {Measure.IMPORT_SECONDS: ours, Measure.LIBRARIES_SECONDS: libraries}


def _seconds(modules: str) -> float:
    code = f"import time; begin = time.perf_counter(); import {modules}; print(time.perf_counter() - begin)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
