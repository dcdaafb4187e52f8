"""Plots for docs/benchmarks.md, as SVG. The same results always produce the same bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from benchmarks.cases import Group
from benchmarks.catalogue import (
    AIO_PIKA,
    BARE_URLLIB3,
    BENTHOS,
    CELERY,
    CONTENDERS,
    DRAMATIQ,
    FASTSTREAM,
    GO_LOOP,
    PLAIN_LOOP,
    SINK,
    TASKIQ,
    Contender,
)
from benchmarks.results import Measure, Results, Spread

mpl.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 10})

WIDTH = 5.0
"""In inches: 480 pixels, so that a phone does not shrink the text below what is legible."""

DARK = "@media (prefers-color-scheme: dark) { #figure_1 { filter: invert(0.93) hue-rotate(180deg) } }"
"""Follows the reader's colour scheme: light and dark are exchanged, and hues are kept."""

COLORS = {
    BARE_URLLIB3: "#6e6e6e",
    SINK: "#0072b2",
    AIO_PIKA: "#d55e00",
    BENTHOS: "#009e73",
    GO_LOOP: "#e69f00",
    TASKIQ: "#cc79a7",
    DRAMATIQ: "#8c564b",
    PLAIN_LOOP: "#17a2b8",
    FASTSTREAM: "#7e57c2",
    CELERY: "#9e9d24",
}
"""The first are from the Okabe-Ito palette, which colour-blind readers can distinguish too. Each is visible on a light
and on a dark background."""

PLAIN = StrMethodFormatter("{x:,.0f}")
"""Numbers in full: the exponents of powers of ten would be too small."""

MARKERS = dict(zip(COLORS, ("", "o", "s", "^", "v", "D", "P", "X", "<", ">"), strict=True))


def save_plots(results: Results, folder: Path) -> None:
    """Writes one SVG for each latency, and one for the backlog."""
    folder.mkdir(parents=True, exist_ok=True)
    for latency_ms in sorted({case.latency_ms for case in results.cases(Group.SPEED)}):
        _save(_rates(results, latency_ms), folder / f"rate-{latency_ms}ms.svg")
    if results.cases(Group.BACKLOG):
        _save(_backlog(results), folder / "backlog.svg")


def _rates(results: Results, latency_ms: int) -> Figure:
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    cases = [case for case in results.cases(Group.SPEED) if case.latency_ms == latency_ms]
    for contender in CONTENDERS:
        points = [
            (case.concurrency, results.spread(case, Measure.RATE)) for case in cases if case.contender == contender.name
        ]
        _draw(axes, contender, points)
    ticks = sorted({case.concurrency for case in cases})
    axes.set(title=f"Latency {latency_ms} ms", xlabel="requests in flight", ylabel="messages/s")
    axes.set(xscale="log", yscale="log", xticks=ticks, xticklabels=ticks)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(PLAIN)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _backlog(results: Results) -> Figure:
    figure = Figure(figsize=(WIDTH, 6.6), layout="constrained")
    memory, cpu = figure.subplots(nrows=2)
    for contender in CONTENDERS:
        cases = [case for case in results.cases(Group.BACKLOG) if case.contender == contender.name]
        _draw(memory, contender, [(case.messages, results.spread(case, Measure.PEAK_MEMORY)) for case in cases])
        _draw(cpu, contender, [(case.messages, results.spread(case, Measure.CPU)) for case in cases])
    memory.set(title="Memory", ylabel="peak MiB", ylim=(0, None))
    cpu.set(title="CPU time", ylabel="microseconds/message", ylim=(0, None))
    for axes in (memory, cpu):
        axes.set(xlabel="messages in the queue", xscale="log")
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_formatter(PLAIN)
    figure.legend(*memory.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _draw(axes: Any, contender: Contender, points: Iterable[tuple[int, Spread | None]]) -> None:
    """Draws a line through the medians, with error bars from minimum to maximum."""
    measured = [(x, spread) for x, spread in points if spread]
    if not measured:
        return
    medians = [spread.median for _, spread in measured]
    below = [spread.median - spread.min for _, spread in measured]
    above = [spread.max - spread.median for _, spread in measured]
    axes.errorbar(
        [x for x, _ in measured],
        medians,
        yerr=[below, above],
        label=contender.name,
        capsize=2,
        color=COLORS[contender],
        marker=MARKERS[contender],
        linestyle="--" if contender == BARE_URLLIB3 else "-",
        linewidth=2.5 if contender == SINK else 1.2,
        zorder=3 if contender == SINK else 2,
    )


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    # matplotlib writes trailing blanks.
    lines = "".join(f"{line.rstrip()}\n" for line in file.read_text().splitlines())
    file.write_text(lines.replace("</style>", f"{DARK}</style>", 1))
