"""python -m benchmarks measure [--rounds 5] [--only GROUP ...] [--quick] RESULTS.json
python -m benchmarks render RESULTS.json FOLDER
"""

import argparse
import os
import platform
import signal
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.page import page
from benchmarks.plan import Group, plan, quick_plan
from benchmarks.plots import save_plots
from benchmarks.results import Results, Run
from benchmarks.run import measure as measure_once
from testbed.rabbitmq import Node, own_node

COMPARED = ("pika", "urllib3", "requests", "httpx", "faststream", "celery")


def measure(file: Path, rounds: int, only: list[Group], quick: bool) -> None:
    """Measures every cell, round by round, and saves what came out after each round."""
    cells = [cell for cell in (quick_plan() if quick else plan()) if cell.group in only]
    runs: list[Run] = []
    with own_node() as node:
        for number in range(1, rounds + 1):
            for cell in cells:
                run = measure_once(node.url, cell, number)
                runs.append(run)
                print(_line(run), flush=True)
            Results(_facts(node, rounds), runs).save(file)


def render(file: Path, folder: Path) -> None:
    """Makes the page and its plots of saved results."""
    results = Results.load(file)
    save_plots(results, folder / "benchmarks")
    (folder / "benchmarks.md").write_text(page(results))


def _facts(node: Node, rounds: int) -> dict[str, str]:
    """Of the machine and of what was compared."""
    return {
        "Rounds": str(rounds),
        "Cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "RabbitMQ": node.ctl("version").strip(),
    } | {name: version(name) for name in COMPARED}


def _line(run: Run) -> str:
    cell = run.cell
    return (
        f"{run.round} {cell.group:8} {cell.contender:13} c={cell.concurrency:<2} {cell.latency_ms:3} ms"
        f" {cell.messages:6}"
        f"  {run.rate:7.1f}/s  {run.cpu:6.0f} us  {run.peak:5.1f} MiB  {run.refused} 429s  start {run.start:.2f} s"
    )


def main() -> None:
    """Reads the command line; SIGTERM ends the broker too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure", help="measure, and save the results")
    measuring.add_argument("--rounds", type=int, default=1)
    measuring.add_argument("--only", type=Group, nargs="+", default=list(Group), metavar="GROUP")
    measuring.add_argument("--quick", action="store_true", help="fewer cells, for a look at whether it runs")
    measuring.add_argument("file", type=Path)
    measuring.set_defaults(run=measure)
    rendering = commands.add_parser("render", help="make the page and the plots of saved results")
    rendering.add_argument("file", type=Path)
    rendering.add_argument("folder", type=Path)
    rendering.set_defaults(run=render)
    arguments = vars(parser.parse_args())
    arguments.pop("run")(**arguments)


if __name__ == "__main__":
    main()
