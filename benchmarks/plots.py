"""The plots of docs/benchmarks.md: the same results always give the same bytes."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.plan import CONTENDERS, Group
from benchmarks.results import Results, Spread

mpl.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9})

STYLES = {
    contender: {"color": color, "marker": marker, "linestyle": line}
    for contender, color, marker, line in zip(
        CONTENDERS,
        ("#555555", "#0072b2", "#009e73", "#e69f00", "#cc79a7"),
        ("", "o", "s", "^", "D"),
        ("--", "-", "-", "-", "-"),
        strict=True,
    )
}
"""Colours that everybody can tell apart."""


def save_plots(results: Results, folder: Path) -> None:
    """Writes an SVG for each latency, and one for the backlog."""
    folder.mkdir(parents=True, exist_ok=True)
    for latency_ms in sorted({cell.latency_ms for cell in results.cells(Group.SPEED)}):
        _save(_rates(results, latency_ms), folder / f"rate-{latency_ms}ms.svg")
    if results.cells(Group.BACKLOG):
        _save(_backlog(results), folder / "backlog.svg")


def _rates(results: Results, latency_ms: int) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    cells = [cell for cell in results.cells(Group.SPEED) if cell.latency_ms == latency_ms]
    for contender in CONTENDERS:
        points = [
            (cell.concurrency, results.spread(cell, lambda run: run.rate))
            for cell in cells
            if cell.contender == contender
        ]
        _draw(axes, contender, points)
    ticks = sorted({cell.concurrency for cell in cells})
    axes.set(title=f"Latency {latency_ms} ms", xlabel="requests in flight, at most", ylabel="messages/s")
    axes.set(xscale="log", yscale="log", xticks=ticks, xticklabels=ticks)
    axes.minorticks_off()
    _finish(axes)
    return figure


def _backlog(results: Results) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    memory, cpu = figure.subplots(ncols=2)
    for contender in CONTENDERS:
        cells = [cell for cell in results.cells(Group.BACKLOG) if cell.contender == contender]
        _draw(memory, contender, [(cell.messages, results.spread(cell, lambda run: run.peak)) for cell in cells])
        _draw(cpu, contender, [(cell.messages, results.spread(cell, lambda run: run.cpu)) for cell in cells])
    memory.set(title="Memory", ylabel="MiB at the peak", ylim=(0, None))
    cpu.set(title="CPU", ylabel="microseconds a message", ylim=(0, None))
    for axes in (memory, cpu):
        axes.set(xlabel="messages in the queue", xscale="log")
        _finish(axes)
    return figure


def _draw(axes: Any, contender: str, points: list[tuple[int, Spread]]) -> None:
    """A line through the medians, with bars from the least to the most."""
    if not points:
        return
    medians = [spread.median for _, spread in points]
    below = [spread.median - spread.least for _, spread in points]
    above = [spread.most - spread.median for _, spread in points]
    axes.errorbar([x for x, _ in points], medians, yerr=[below, above], label=contender, capsize=2, **STYLES[contender])


def _finish(axes: Any) -> None:
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at the ends of lines.
    file.write_text("".join(f"{line.rstrip()}\n" for line in file.read_text().splitlines()))
