"""The prose of docs/benchmarks.md."""

from benchmarks.cases import CPU_LIMIT, HOT_KEY_SECONDS, SHARED_WINDOW, WINDOW, WINDOW_RATE, WINDOW_SECONDS
from benchmarks.catalogue import AIO_PIKA, BARE_URLLIB3, CONTENDERS, SINK
from benchmarks.markdown import paragraph
from benchmarks.publishing import SINGLES, TURNS
from intercom_sink.domain.confirms import WINDOW_MESSAGES

_CONTENDERS = "\n".join(
    paragraph(f"- **{contender.name}**: {contender.description}", indent="  ") for contender in CONTENDERS
)

INTRODUCTION = f"""\
# Benchmarks

<!-- not run: a measurement (make bench) -->
    make bench

Each run uses a fresh HTTP server in Intercom's place, which responds after a fixed latency; a fresh queue on a private
RabbitMQ, which already holds all messages unless a section says otherwise; and a fresh process of one contender. It
ends with the last response. In each round the contenders take turns at the same work. The tables show the median of all
rounds, with minimum and maximum in parentheses. Broker, server and contender share the cores.

{_CONTENDERS}

Each contender is written as its users would write it, acks a message after its response, and keeps as many requests in
flight as the case allows. Only {SINK.name} keeps messages of one key in order, waits for Intercom's rate window, and
decides by the response whether to send a message again, give it up or keep it.

**In flight** is the maximum number of requests that may be in flight. The **rate** is messages per second up to the
last response, as the server counts them. The first tenth of a run is left out as warm-up: connections are opened then,
and the sink sends its probe request. **CPU** is the CPU time of all threads of the process and its children, from the
first response on. **Memory** is peak resident memory; pages that processes share are counted in each. **Start** is the
time from the start of the process to its first request. **Switches** are voluntary context switches of all threads: a
thread had to wait, for the network or for another thread. A run counts only if every message got exactly one 200
response and the queue is empty at the end; runs that failed are listed.
"""

SERVER = (
    "The server is a process of its own. With a rate window it is FakeIntercom, of `intercom_sink.testing`. Without "
    "one it is faster, so that it takes little of the cores: asyncio on uvloop, with the parser httptools (llhttp). "
    "It was busiest with {case}: {share:.0%} of a core."
)

TARGETS = """\
Each row is the median over the rounds. Ratios are taken round by round, between runs that took turns. "Closest" is the
case in which the peer is strongest against the sink. What takes long, and contenders far behind the sink, are measured
in fewer rounds."""

TLS = f"""\
The same work over TLS 1.3, with a certificate that is checked. Compared are {BARE_URLLIB3.name} and {AIO_PIKA.name}."""

LIMITED = f"""\
64 in flight at 20 ms, with {CPU_LIMIT} of a core for the contender; broker and server are not limited."""

PACED = f"""\
Messages are published one by one at a steady rate to a contender that already runs; 64 in flight at most, at 20 ms. The
server reports the rate window of {WINDOW:,} requests in {WINDOW_SECONDS} s. **Latency** is the time from the
publisher's confirm to the arrival of the request at the server. The messages are transient: RabbitMQ confirms
persistent ones once they are on the disk, when a fast consumer has already sent them. 150 messages a second are 90 % of
the window, {WINDOW_RATE} are all of it: **CPU** is then what the contender costs at the window."""

IDLE = """\
Empty queues, all contenders at once. The CPU time of an hour is extrapolated. **Wake-ups** are voluntary context
switches of all threads."""

SYSTEM_CALLS = """\
A futex call is how a thread waits for another, or wakes one: among others each time the interpreter's lock changes
hands. Counted by `perf`, which slows the contenders a little."""

IMPORTS = """\
Fresh processes import `intercom-sink run`, or only pika, msgpack, urllib3 and pydantic, in turns. The interpreter's own
start is not included."""

WINDOW_SECTION = f"""\
The server allows {WINDOW:,} requests in each window of {WINDOW_SECONDS} s, which is Intercom's default for an app, and
responds to the rest with 429. The share is the used part of the complete windows, that is, of all but the first and the
last."""

SHARED = f"""\
Several sinks, each with 16 in flight at 50 ms and a queue of its own, on one window of {SHARED_WINDOW} requests in
{WINDOW_SECONDS} s. They know of each other only by the headers of the responses. The least part is that of the sink
that sent the fewest messages, divided by an equal part for each."""

HOT_KEY = f"""\
Every other message has the same ordering key, the hot key; the rest have 255 other keys. The latency is 200 ms, so the
hot key can't exceed 5 messages per second. Both rates are of the first {HOT_KEY_SECONDS:g} s, while the hot key's
backlog lasts."""

BACKLOG = """\
Memory and CPU time by the number of messages in the queue, at 0 ms. Growth is that of resident memory over the second
half of the messages. The peers' backlogs are smaller, because some would take minutes for the larger ones.

![Memory and CPU time by backlog](benchmarks/backlog.svg)"""

PUBLISHING = f"""\
`Publisher` publishes persistent messages to a durable queue, each confirmed by the broker: {SINGLES} with `publish`,
which awaits each confirm, and the whole number in {TURNS} calls of `publish_batch`, which awaits those of up to
{WINDOW_MESSAGES:,} messages at once. Both take turns."""
