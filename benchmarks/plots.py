"""Plots for docs/benchmarks.md, as SVG. The same results always produce the same bytes."""

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
"""The colours are from the Okabe-Ito palette, which colour-blind readers can distinguish too."""


def save_plots(results: Results, folder: Path) -> None:
    """Writes one SVG for each latency, and one for the backlog."""
    folder.mkdir(parents=True, exist_ok=True)
    for latency_ms in sorted({case.latency_ms for case in results.cases(Group.SPEED)}):
        _save(_rates(results, latency_ms), folder / f"rate-{latency_ms}ms.svg")
    if results.cases(Group.BACKLOG):
        _save(_backlog(results), folder / "backlog.svg")


def _rates(results: Results, latency_ms: int) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    cases = [case for case in results.cases(Group.SPEED) if case.latency_ms == latency_ms]
    for contender in CONTENDERS:
        points = [
            (case.concurrency, results.spread(case, lambda run: run.rate))
            for case in cases
            if case.contender == contender
        ]
        _draw(axes, contender, points)
    ticks = sorted({case.concurrency for case in cases})
    axes.set(title=f"Latency {latency_ms} ms", xlabel="concurrency", ylabel="messages/s")
    axes.set(xscale="log", yscale="log", xticks=ticks, xticklabels=ticks)
    axes.minorticks_off()
    _finish(axes)
    return figure


def _backlog(results: Results) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    memory, cpu = figure.subplots(ncols=2)
    for contender in CONTENDERS:
        cases = [case for case in results.cases(Group.BACKLOG) if case.contender == contender]
        _draw(memory, contender, [(case.messages, results.spread(case, lambda run: run.peak_memory)) for case in cases])
        _draw(cpu, contender, [(case.messages, results.spread(case, lambda run: run.cpu)) for case in cases])
    memory.set(title="Memory", ylabel="peak MiB", ylim=(0, None))
    cpu.set(title="CPU time", ylabel="microseconds/message", ylim=(0, None))
    for axes in (memory, cpu):
        axes.set(xlabel="messages in the queue", xscale="log")
        _finish(axes)
    return figure


def _draw(axes: Any, contender: str, points: list[tuple[int, Spread]]) -> None:
    """Draws a line through the medians, with error bars from minimum to maximum."""
    if not points:
        return
    medians = [spread.median for _, spread in points]
    below = [spread.median - spread.min for _, spread in points]
    above = [spread.max - spread.median for _, spread in points]
    axes.errorbar([x for x, _ in points], medians, yerr=[below, above], label=contender, capsize=2, **STYLES[contender])


def _finish(axes: Any) -> None:
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    # matplotlib writes trailing blanks.
    file.write_text("".join(f"{line.rstrip()}\n" for line in file.read_text().splitlines()))
