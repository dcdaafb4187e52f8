"""The status page: what the sink does now, as HTML that needs nothing else.

The whole page is made here. Its few lines of script fetch it again every two seconds, and put the new content in place
of the old one; without scripts the browser reloads it. It shows less of a request than log lines do (`shown_path`), and
never the data of a message.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from intercom_sink.adapters.monitors.state.failures import Failure
from intercom_sink.adapters.monitors.state.snapshot import Minute, Snapshot, State
from intercom_sink.adapters.monitors.web.charts import Series, chart
from intercom_sink.domain.causes import PauseCause

STYLE = """
:root{color-scheme:light dark;--text:#1b1f24;--soft:#59636e;--back:#fff;--card:#f6f8fa;--edge:#d1d9e0;--good:#1a7f37;
--wait:#9a6700;--bad:#cf222e;--blue:#0969da}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9198a1;--back:#0d1117;--card:#151b23;--edge:#3d444d;
--good:#3fb950;--wait:#d29922;--bad:#f85149;--blue:#4493f8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--back);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.1rem;margin:0 0 1rem;font-weight:600}h2{font-size:1rem;margin:1.5rem 0 .5rem}
small,th,dt,.soft{color:var(--soft);font-size:.85rem;font-weight:normal}
.state{border:1px solid var(--edge);border-left:.5rem solid var(--blue);border-radius:.5rem;padding:.75rem 1rem;
background:var(--card)}
.state b{font-size:1.6rem;display:block}.state p{margin:.25rem 0 0}
.good{border-left-color:var(--good)}.wait{border-left-color:var(--wait)}.bad{border-left-color:var(--bad)}
dl,.charts{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));margin:1rem 0}
.charts{grid-template-columns:repeat(auto-fit,minmax(16rem,1fr))}
dl>div,figure{margin:0;border:1px solid var(--edge);border-radius:.5rem;padding:.5rem .75rem;background:var(--card);
min-width:0}
dd{margin:0;font-size:1.25rem;overflow-wrap:anywhere}
svg{width:100%;height:5rem;display:block}path{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}
path.main{stroke:var(--blue)}path.bad{stroke:var(--bad)}path.soft{stroke:var(--soft)}
span.main{color:var(--blue)}span.bad{color:var(--bad)}
figcaption span{font-size:.85rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--edge);vertical-align:top}
td{overflow-wrap:break-word}
.stale main{opacity:.5}#stale{display:none;color:var(--bad)}.stale #stale{display:block}
"""

SCRIPT = """
setInterval(async()=>{let ok=false;try{const r=await fetch(location.href,
{cache:"no-store",signal:AbortSignal.timeout(5000)});
if(r.ok){const d=new DOMParser().parseFromString(await r.text(),"text/html");
document.querySelector("main").replaceWith(d.querySelector("main"));document.title=d.title;ok=true}}catch{}
document.body.classList.toggle("stale",!ok)},2000)
"""

_COLOURS = {State.STREAMING: "good", State.IDLE: "good", State.PAUSED: "wait", State.STOPPING: "wait"}

_MEANINGS = {
    State.STREAMING: "Messages are sent to Intercom.",
    State.IDLE: "It consumes the queue, and no message has come for a while.",
    State.PAUSED: "Nothing, or only the rest of a window, is sent until the pause ends; messages stay with the sink.",
    State.HOLDING: "Every message waits in the queue until the cause is gone; nothing is lost.",
    State.RECONNECTING: "There is no connection to RabbitMQ; the sink goes on trying to connect.",
    State.STOPPING: "Attempts in flight finish, and every other message returns to the queue.",
}


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_digest(STYLE)}; script-src {_digest(SCRIPT)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
"""Headers that let the page load nothing from elsewhere, and run no script but its own."""


def render(snapshot: Snapshot, version: str) -> str:
    """The page."""
    name = f"{snapshot.queue or 'intercom-sink'}: {snapshot.state}"
    sections = (
        _state(snapshot),
        _facts(snapshot),
        _charts(snapshot.minutes, snapshot.window.limit),
        _dispositions(snapshot),
        _failures(snapshot),
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(name)}</title><style>{STYLE}</style>"
        '<noscript><meta http-equiv="refresh" content="5"></noscript></head><body>'
        '<p id="stale">The sink does not respond; this is its last known state.</p>'
        f"<main><h1>intercom-sink {escape(version)}{_queue(snapshot)}</h1>{''.join(sections)}</main>"
        f"<script>{SCRIPT}</script></body></html>"
    )


def _queue(snapshot: Snapshot) -> str:
    return f' <span class="soft">queue {escape(snapshot.queue)}</span>' if snapshot.queue else ""


def _state(snapshot: Snapshot) -> str:
    lines = [f"for {_duration(snapshot.at - snapshot.since)}, since {_moment(snapshot.since)}"]
    if snapshot.until is not None:
        remaining, end = snapshot.until - snapshot.at, _moment(snapshot.until)
        is_window = snapshot.cause == PauseCause.WINDOW_EXHAUSTED
        follows = "the next request ends this state" if is_window else "a probe tests whether Intercom takes requests"
        lines.append(
            f"the pause ends in {_duration(remaining)}, at {end}"
            if remaining > 0
            else f"the pause ended at {end}; {follows}"
        )
    if snapshot.cause:
        lines.append(f"cause: {snapshot.cause}")
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    colour = _COLOURS.get(snapshot.state, "bad")
    meaning = f'<p class="soft">{_MEANINGS[snapshot.state]}</p>'
    return f'<section class="state {colour}"><b>{snapshot.state.value}</b>{text}{meaning}</section>'


def _facts(snapshot: Snapshot) -> str:
    unsettled, window = snapshot.unsettled, snapshot.window
    waiting = ", ".join(f"{count} {reason}" for reason, count in unsettled.waiting.items() if count)
    facts = {
        "in flight": str(unsettled.in_flight),
        "waiting messages": waiting or "nothing",
        "oldest unsettled message": _duration(unsettled.oldest_seconds) if unsettled.oldest_seconds else "none",
        "settled since the start": str(sum(snapshot.settled.values())),
        "last success": _ago(snapshot, snapshot.last_success_at),
        "RabbitMQ": _connection(snapshot),
    }
    if unsettled.next_retry_in is not None:
        facts["next retry"] = f"in {_duration(unsettled.next_retry_in)}"
    if window.remaining is not None:
        facts["rate window, as last reported"] = f"{window.remaining} of {window.limit or '?'} available"
    facts["running for"] = _duration(snapshot.at - snapshot.started_at)
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{escape(value)}</dd></div>' for name, value in facts.items())}</dl>"


def _connection(snapshot: Snapshot) -> str:
    if snapshot.state is State.HOLDING:
        return "closed for the hold"
    return "connected" if snapshot.connected else "not connected"


def _charts(minutes: Sequence[Minute], limit: int | None) -> str:
    settled = Series("settled", [minute.settled for minute in minutes])
    retried = Series("retried", [minute.retries for minute in minutes], "soft")
    given_up = Series("given up", [minute.given_up for minute in minutes], "bad")
    median = Series("median", [_ms(minute.p50) for minute in minutes])
    slow = Series("95 % within", [_ms(minute.p95) for minute in minutes], "soft")
    available = Series("available", [minute.remaining for minute in minutes])
    charts = (
        chart("Messages a minute", [settled, retried, given_up]),
        chart("Response time", [median, slow], " ms"),
        chart("Rate window, at its lowest", [available], top=limit),
    )
    return f'<h2>The last {len(minutes)} min, this minute included</h2><div class="charts">{"".join(charts)}</div>'


def _dispositions(snapshot: Snapshot) -> str:
    settled = [(name, count) for name, count in snapshot.settled.items() if count]
    letters = [(name, count) for name, count in snapshot.dead_letters.items() if count]
    return (
        "<h2>Messages since the start, by disposition</h2>"
        + _table(("disposition", "messages"), settled, "None yet.")
        + "<h2>Dead letters since the start, by reason</h2>"
        + _table(("reason", "messages"), letters, "None.")
    )


def _failures(snapshot: Snapshot) -> str:
    rows = [
        (
            _moment(failure.at),
            _what(failure),
            "" if failure.status is None else failure.status,
            failure.code or failure.reason or "",
            _request(failure),
        )
        for failure in snapshot.failures
    ]
    head = ("time", "what", "status", "code or reason", "request")
    return "<h2>The last failures</h2>" + _table(head, rows, "None since the start.")


def _what(failure: Failure) -> str:
    return failure.disposition if failure.count == 1 else f"{failure.disposition}, {failure.count} times"


def _request(failure: Failure) -> str:
    return f"{failure.method} {failure.path}" if failure.method else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> str:
    if not rows:
        return f'<p class="soft">{empty}</p>'
    names = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{names}</tr>{body}</table></div>'


def _ago(snapshot: Snapshot, moment: float | None) -> str:
    return "none since the start" if moment is None else f"{_duration(snapshot.at - moment)} ago"


def _moment(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _duration(seconds: float) -> str:
    """A duration in its two largest units."""
    whole = max(0, round(seconds))
    for unit, size, smaller, smaller_size in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size} {smaller}"
    return f"{whole} s"
