"""The benchmark's command line.

python -m benchmarks measure RESULTS.json [--rounds 5] [--only NAME ...] [--contenders SLUG ...] [--quick]
python -m benchmarks list [--quick]
python -m benchmarks render RESULTS.json FOLDER
"""

import argparse
import os
import platform
import signal
import sys
import sysconfig
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import cpu_limit, golang, system_calls
from benchmarks.cases import Case, Group, select
from benchmarks.catalogue import BY_NAME, CONTENDERS
from benchmarks.measure import batches, measure
from benchmarks.page import page
from benchmarks.plan import plan, quick_plan
from benchmarks.plots import save_plots
from benchmarks.results import Failure, Measure, Results, Run
from testbed.rabbitmq import Node, own_node

PACKAGES = (
    *("pika", "urllib3", "aio-pika", "aiohttp", "uvloop", "taskiq", "taskiq-aio-pika", "dramatiq"),
    *("requests", "httpx", "faststream", "celery"),
)
"""The packages whose versions the page shows."""


def measure_all(file: Path, rounds: int, only: Sequence[str], contenders: Sequence[str], quick: bool) -> None:
    """Measures the chosen cases, round by round, and saves the results after each round. A failure stops nothing."""
    cases = select(quick_plan() if quick else plan(), only, contenders)
    if not cases:
        raise SystemExit("no case has such a name: `python -m benchmarks list` shows them all")
    cases, notes = _possible(cases)
    runs: list[Run] = []
    failures: list[Failure] = []
    begin = time.monotonic()
    with own_node() as node:
        for number in range(1, rounds + 1):
            for batch in batches([case for case in cases if number <= case.rounds]):
                _measure(node.url, batch, number, runs, failures)
            Results(_facts(node, rounds), runs, failures, notes).save(file)
    print(f"{len(runs)} measurements, {len(failures)} failures, in {(time.monotonic() - begin) / 60:.1f} minutes")


def render(file: Path, folder: Path) -> None:
    """Writes the page and its plots from saved results."""
    results = Results.load(file)
    save_plots(results, folder / "benchmarks")
    (folder / "benchmarks.md").write_text(page(results))


def list_cases(quick: bool) -> None:
    """Prints the name of every case."""
    for case in quick_plan() if quick else plan():
        print(case.name)


def _measure(broker_url: str, batch: Sequence[Case], number: int, runs: list[Run], failures: list[Failure]) -> None:
    """Measures a batch, adds what came of it to runs or failures, and prints it."""
    measured: dict[Case, dict[Measure, float]] = {}
    reason = "it did not start"
    try:
        measured = measure(broker_url, batch)
    except Exception as error:  # noqa: BLE001  # whatever one contender does, the others are still measured
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    for case in batch:
        if case in measured:
            runs.append(Run(case, number, measured[case]))
            print(f"{number} {case.name}: {_line(measured[case])}", flush=True)
        else:
            failures.append(Failure(case, number, reason[-300:]))
            print(f"{number} {case.name}: FAILED: {reason}", flush=True)


def _possible(cases: list[Case]) -> tuple[list[Case], list[str]]:
    """The cases that this machine can measure, and for the page, what it can't and how it limits CPU."""
    notes = []
    if any(BY_NAME[case.contender].needs_go for case in cases) and (reason := golang.build()):
        cases = [case for case in cases if not BY_NAME[case.contender].needs_go]
        names = " and ".join(contender.name for contender in CONTENDERS if contender.needs_go)
        notes.append(f"{names} were left out: {reason}.")
    if any(case.group == Group.SYSTEM_CALLS for case in cases) and not system_calls.can_count():
        cases = [case for case in cases if case.group != Group.SYSTEM_CALLS]
        notes.append("futex calls were not counted: `perf` is not installed, or may not read tracepoints.")
    for note in notes:
        print(note, flush=True)
    if any(case.group == Group.LIMITED for case in cases):
        notes.append(f"CPU was limited by {cpu_limit.method()}.")
    return cases, notes


def _facts(node: Node, rounds: int) -> dict[str, str]:
    """The machine, and the versions of what is compared."""
    facts = {
        "Rounds": str(rounds),
        "Cores": str(os.cpu_count()),
        "Python": _python(),
        "RabbitMQ": node.ctl("version").strip(),
    } | {name: version(name) for name in PACKAGES}
    return facts | golang.versions()


def _python() -> str:
    """The interpreter's version, and how it was built: an optimized one takes a fifth less CPU for the same Python."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    build = [flag for flag in ("--enable-optimizations", "--with-lto", "--disable-gil") if flag in arguments]
    return " ".join([platform.python_version(), *build])


def _line(values: dict[Measure, float]) -> str:
    return "  ".join(f"{measure} {value:,.4g}" for measure, value in values.items())


def main() -> None:
    """Runs one command; SIGTERM ends the broker too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure", help="measure and save the results")
    measuring.add_argument("--rounds", type=int, default=1, help="how many times to measure each case (default 1)")
    measuring.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="cases whose name begins so, by words, such as speed/0ms or '*/20ms/64' (default all)",
    )
    measuring.add_argument(
        "--contenders",
        nargs="+",
        default=[],
        choices=[contender.slug for contender in CONTENDERS],
        metavar="SLUG",
        help=f"only these: {', '.join(contender.slug for contender in CONTENDERS)} (default all)",
    )
    measuring.add_argument("--quick", action="store_true", help="fewer and shorter cases: a smoke test")
    measuring.add_argument("file", type=Path, metavar="RESULTS.json")
    measuring.set_defaults(execute=measure_all)
    listing = commands.add_parser("list", help="print the name of every case")
    listing.add_argument("--quick", action="store_true", help="those of the smoke test")
    listing.set_defaults(execute=list_cases)
    rendering = commands.add_parser("render", help="write the page and the plots from saved results")
    rendering.add_argument("file", type=Path, metavar="RESULTS.json")
    rendering.add_argument("folder", type=Path, metavar="FOLDER")
    rendering.set_defaults(execute=render)
    arguments = vars(parser.parse_args())
    arguments.pop("execute")(**arguments)


if __name__ == "__main__":
    main()
