"""The benchmark's command line.

python -m benchmarks measure [--rounds 5] [--only GROUP ...] [--quick] RESULTS.json
python -m benchmarks render RESULTS.json FOLDER
"""

import argparse
import os
import platform
import signal
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import measure
from benchmarks.page import page
from benchmarks.plan import Group, plan, quick_plan
from benchmarks.plots import save_plots
from benchmarks.results import Results, Run
from testbed.rabbitmq import Node, own_node

PACKAGES = ("pika", "urllib3", "requests", "httpx", "faststream", "celery")
"""The packages whose versions the page shows."""


def measure_all(file: Path, rounds: int, only: list[Group], quick: bool) -> None:
    """Measures every case of the chosen groups, round by round, and saves the results after each round."""
    cases = [case for case in (quick_plan() if quick else plan()) if case.group in only]
    runs: list[Run] = []
    with own_node() as node:
        for number in range(1, rounds + 1):
            for case in cases:
                run = measure(node.url, case, number)
                runs.append(run)
                print(_line(run), flush=True)
            Results(_facts(node, rounds), runs).save(file)


def render(file: Path, folder: Path) -> None:
    """Writes the page and its plots from saved results."""
    results = Results.load(file)
    save_plots(results, folder / "benchmarks")
    (folder / "benchmarks.md").write_text(page(results))


def _facts(node: Node, rounds: int) -> dict[str, str]:
    """The machine, and the versions of what is compared."""
    return {
        "Rounds": str(rounds),
        "Cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "RabbitMQ": node.ctl("version").strip(),
    } | {name: version(name) for name in PACKAGES}


def _line(run: Run) -> str:
    case = run.case
    return (
        f"{run.round} {case.group:8} {case.contender:13} c={case.concurrency:<2} {case.latency_ms:3} ms"
        f" {case.messages:6}"
        f"  {run.rate:7.1f}/s  {run.cpu:6.0f} us  {run.peak_memory:5.1f} MiB  {run.refused} 429s"
        f"  startup {run.startup:.2f} s"
    )


def main() -> None:
    """Runs one command; SIGTERM ends the broker too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure", help="measure and save the results")
    measuring.add_argument("--rounds", type=int, default=1, help="how many times to measure each case (default 1)")
    measuring.add_argument(
        "--only",
        type=Group,
        nargs="+",
        default=list(Group),
        metavar="GROUP",
        help=f"groups of cases to measure: {', '.join(Group)} (default all)",
    )
    measuring.add_argument("--quick", action="store_true", help="fewer and shorter cases: a smoke test")
    measuring.add_argument("file", type=Path, metavar="RESULTS.json")
    measuring.set_defaults(execute=measure_all)
    rendering = commands.add_parser("render", help="write the page and the plots from saved results")
    rendering.add_argument("file", type=Path, metavar="RESULTS.json")
    rendering.add_argument("folder", type=Path, metavar="FOLDER")
    rendering.set_defaults(execute=render)
    arguments = vars(parser.parse_args())
    arguments.pop("execute")(**arguments)


if __name__ == "__main__":
    main()
