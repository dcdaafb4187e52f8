"""`make demo`: publishes one message for each outcome, runs the sink, and prints the attempts at each message.

Exits with 0 if the outcome of each message is the documented one, otherwise with 1.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from demo.samples import MALFORMED, SAMPLES
from intercom_sink.testing.intercom import FakeIntercom
from testbed import amqp
from testbed.rabbitmq import VARIABLE
from testbed.sink_process import TOKEN, SinkProcess


def main() -> int:
    """Streams the samples to an Intercom that misbehaves, then once more with the token `mock`."""
    environment: dict[str, str | None] = {
        VARIABLE: os.environ[VARIABLE],
        "CJW_INTERCOM_QUEUE_NAME": f"demo-{uuid.uuid4().hex[:8]}",
    }
    try:
        ok = [stream_to_intercom(environment), stream_to_mock(environment)]
    finally:
        amqp.delete(str(environment[VARIABLE]), str(environment["CJW_INTERCOM_QUEUE_NAME"]))
    print("\nOK: every message had the documented outcome." if all(ok) else "\nFAILED: see above.")
    return 0 if all(ok) else 1


def stream_to_intercom(environment: dict[str, str | None]) -> bool:
    """Streams the samples; returns whether each had its documented outcome."""
    publish(environment)
    with FakeIntercom() as intercom:
        intercom.script += [behaviour for sample in SAMPLES for behaviour in sample.behaviours]
        variables = environment | {"CJW_INTERCOM_API_URL": intercom.url, "CJW_INTERCOM_API_TOKEN": TOKEN}
        print(f"\n$ intercom-sink run --drain          # to {intercom.url}, which misbehaves\n")
        with SinkProcess(variables, "run", "--drain") as sink:
            code = sink.wait(timeout=60)
            dispositions = [print_attempts(sink, sample.method, sample.path) for sample in SAMPLES]
            print_malformed(sink)
            print(f"\n{sink.stdout}", end="")
        as_documented = dispositions == [sample.disposition for sample in SAMPLES]
        return code == 0 and as_documented and not intercom.script


def stream_to_mock(environment: dict[str, str | None]) -> bool:
    """Streams the samples with the token `mock`; returns whether each was logged in full."""
    publish(environment)
    print("\n$ CJW_INTERCOM_API_TOKEN=mock intercom-sink run --drain          # nothing is sent\n")
    variables: dict[str, str | None] = {"CJW_INTERCOM_API_TOKEN": "mock", "CJW_LOG_LEVEL": "INFO"}
    with SinkProcess(environment | variables, "run", "--drain") as sink:
        code = sink.wait(timeout=60)
        logged = sink.logs("mock request")
        for entry in logged:
            print(f"{entry['method'] + ' ' + entry['path']:<22} {json.dumps(entry['data'])}")
        print_malformed(sink)
        print(f"\n{sink.stdout}", end="")
    expected = [(sample.method, sample.path, sample.data) for sample in SAMPLES]
    return code == 0 and [(entry["method"], entry["path"], entry["data"]) for entry in logged] == expected


def publish(environment: dict[str, str | None]) -> None:
    """Publishes the samples with `intercom-sink publish`, then a malformed message, which that command would refuse."""
    lines = [json.dumps({"method": s.method, "path": s.path, "data": s.data}) for s in SAMPLES]
    print("\n$ intercom-sink publish <<EOF", *lines, "EOF", sep="\n")
    variables = os.environ | {name: value for name, value in environment.items() if value is not None}
    command = [sys.executable, "-m", "intercom_sink", "publish"]
    subprocess.run(command, input="\n".join(lines), env=variables, text=True, check=True)
    print(f"(and, without that command, which would refuse it, the malformed message {MALFORMED!r})")
    amqp.publish(variables[VARIABLE], variables["CJW_INTERCOM_QUEUE_NAME"], [MALFORMED])


def print_attempts(sink: SinkProcess, method: str, path: str) -> str:
    """Prints the attempts at one message, as the log has them; returns the last one's disposition."""
    entries = [entry for entry in sink.logs() if (entry.get("method"), entry.get("path")) == (method, path)]
    *retries, last = [entry for entry in entries if "disposition" in entry and entry["event"] != "attempt finished"]
    print(f"{method + ' ' + path:<22}", *describe_retries(retries), last.get("status", "no response"), end=" => ")
    print(last["event"] if last["event"] == last["disposition"] else f"{last['event']}: {last['disposition']}")
    return str(last["disposition"])


def describe_retries(retries: list[dict[str, Any]]) -> Iterator[str]:
    """The result of each attempt that is retried, and the delay after it."""
    for entry in retries:
        result = f"{entry['status']} {entry['disposition']}" if "status" in entry else entry["disposition"]
        yield f"{result}, retry in {entry['delay']:.1f} s;"


def print_malformed(sink: SinkProcess) -> None:
    """Prints what the log says about the malformed message."""
    (entry,) = sink.logs("malformed")
    print(f"{'(malformed message)':<22} {entry['reason']} => given up: malformed")


if __name__ == "__main__":
    sys.exit(main())
