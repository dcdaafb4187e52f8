"""`make demo`: publishes a message for each outcome, streams them, and prints what became of each.

Ends with exit code 0 if each message came to what the documentation promises.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from demo.samples import MALFORMED, SAMPLES
from testbed import amqp
from testbed.intercom import Intercom
from testbed.rabbitmq import VARIABLE
from testbed.sink_process import TOKEN, SinkProcess


def main() -> int:
    """Streams the samples to a small Intercom that misbehaves, then once more with the token `mock`."""
    environment: dict[str, str | None] = {
        VARIABLE: os.environ[VARIABLE],
        "CJW_INTERCOM_QUEUE_NAME": f"demo-{uuid.uuid4().hex[:8]}",
    }
    try:
        sent = stream_to_intercom(environment)
        mocked = stream_to_mock(environment)
    finally:
        amqp.delete(str(environment[VARIABLE]), str(environment["CJW_INTERCOM_QUEUE_NAME"]))
    print("\nEach message came to what was promised." if sent and mocked else "\nSOMETHING WENT WRONG.")
    return 0 if sent and mocked else 1


def stream_to_intercom(environment: dict[str, str | None]) -> bool:
    """Streams the samples; whether each came to its outcome."""
    publish(environment)
    with Intercom() as intercom:
        intercom.script += [answer for sample in SAMPLES for answer in sample.answers]
        variables = environment | {"CJW_INTERCOM_API_URL": intercom.url, "CJW_INTERCOM_API_TOKEN": TOKEN}
        print(f"\n$ intercom-sink run --drain          # to {intercom.url}, which misbehaves\n")
        with SinkProcess(variables, "run", "--drain") as sink:
            code = sink.ended(timeout=60)
            outcomes = [tell(sink, sample.method, sample.path) for sample in SAMPLES]
            tell_malformed(sink)
            print(f"\n{sink.stdout}", end="")
        as_promised = outcomes == [sample.outcome for sample in SAMPLES]
        return code == 0 and as_promised and not intercom.script


def stream_to_mock(environment: dict[str, str | None]) -> bool:
    """Streams the samples once more, with the token `mock`; whether each was logged in full."""
    publish(environment)
    print("\n$ CJW_INTERCOM_API_TOKEN=mock intercom-sink run --drain          # nothing is sent\n")
    variables: dict[str, str | None] = {"CJW_INTERCOM_API_TOKEN": "mock", "CJW_LOG_LEVEL": "INFO"}
    with SinkProcess(environment | variables, "run", "--drain") as sink:
        code = sink.ended(timeout=60)
        logged = sink.logs("mock request")
        for entry in logged:
            print(f"{entry['method'] + ' ' + entry['path']:<22} {json.dumps(entry['data'])}")
        tell_malformed(sink)
        print(f"\n{sink.stdout}", end="")
    wanted = [(sample.method, sample.path, sample.data) for sample in SAMPLES]
    return code == 0 and [(entry["method"], entry["path"], entry["data"]) for entry in logged] == wanted


def publish(environment: dict[str, str | None]) -> None:
    """Publishes the samples by the command line, and a message that only a careless producer would publish."""
    lines = [json.dumps({"method": s.method, "path": s.path, "data": s.data}) for s in SAMPLES]
    print("\n$ intercom-sink publish <<EOF", *lines, "EOF", sep="\n")
    variables = os.environ | {name: value for name, value in environment.items() if value is not None}
    command = [sys.executable, "-m", "intercom_sink", "publish"]
    subprocess.run(command, input="\n".join(lines), env=variables, text=True, check=True)
    print(f"(and, past the command line, which would refuse them, the bytes {MALFORMED!r})")
    amqp.publish(variables[VARIABLE], variables["CJW_INTERCOM_QUEUE_NAME"], [MALFORMED])


def tell(sink: SinkProcess, method: str, path: str) -> str:
    """Prints what the log says of one message, attempt by attempt; returns what became of it."""
    attempts = [entry for entry in sink.logs() if (entry.get("method"), entry.get("path")) == (method, path)]
    print(f"{method + ' ' + path:<22}", *steps(attempts), f"=> {attempts[-1]['event']}: {attempts[-1]['outcome']}")
    return str(attempts[-1]["outcome"])


def tell_malformed(sink: SinkProcess) -> None:
    """Prints what the log says of the malformed message."""
    (entry,) = sink.logs("malformed message given up")
    print(f"{'(malformed)':<22} {entry['excerpt']}: {entry['reason']} => given up: malformed")


def steps(attempts: list[dict[str, Any]]) -> Iterator[str]:
    """What came of each attempt, and the pause after it."""
    for entry in attempts:
        yield str(entry.get("status", "no answer"))
        if "pause" in entry:
            yield f"({entry['outcome']}, wait {entry['pause']:.1f} s)"


if __name__ == "__main__":
    sys.exit(main())
