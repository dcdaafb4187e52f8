"""The domain with a bug planted in it, to see that the simulation finds it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from pathlib import Path

from intercom_sink import Sink

_MODULES = ("policy", "events", "rate_window", "rate_limiter", "handler", "lanes", "sink")
"""Those that a bug may be planted in, each after those that it imports."""


@dataclass(frozen=True)
class Mutant:
    """A change of one line of the domain."""

    name: str
    module: str
    right: str
    wrong: str


MUTANTS = [
    Mutant(
        "ack too early",
        "handler",
        "result = self.gateway.send(request)",
        "delivery.ack(); result = self.gateway.send(request)",
    ),
    Mutant(
        "50X flag not cleared",
        "policy",
        "            rule.is_server_error,\n",
        "            self.last_was_server_error or rule.is_server_error,\n",
    ),
    Mutant(
        "retry after a lost connection",
        "handler",
        "        def cancelled() -> bool:\n            return self.stopping() or delivery.is_lost()",
        "        def cancelled() -> bool:\n            return self.stopping()",
    ),
    Mutant(
        "order broken",
        "sink",
        "dispatch(delivery)\n        except",
        "second = self._source.receive(); second and dispatch(second); dispatch(delivery)\n        except",
    ),
    Mutant(
        "no response taken for one",
        "policy",
        "Disposition.NO_RESPONSE: Rule(\n"
        "            Action.RETRY, Severity.ERROR, delay=_exponential, pauses_all=True, may_have_arrived=True\n"
        "        ),",
        "Disposition.NO_RESPONSE: Rule(Action.ACK, Severity.ERROR),",
    ),
    Mutant(
        "50X retried for ever",
        "policy",
        "return Disposition.REPEATED_SERVER_ERROR if state.last_was_server_error else Disposition.SERVER_ERROR",
        "return Disposition.SERVER_ERROR",
    ),
    Mutant(
        "429 acked",
        "policy",
        "Action.RETRY, Severity.WARNING, delay=_until_the_window_resets, pauses_all=True",
        "Action.ACK, Severity.WARNING",
    ),
    Mutant(
        "sent after a stop",
        "handler",
        "        def cancelled() -> bool:\n            return self.stopping() or delivery.is_lost()",
        "        def cancelled() -> bool:\n            return delivery.is_lost()",
    ),
    Mutant(
        "a stop wakes nobody",
        "sink",
        "        self._source.stop()\n        self._limiter.wake()",
        "        self._source.stop()",
    ),
    Mutant(
        "a result wakes nobody",
        "rate_limiter",
        "            if may_proceed:\n                self._condition.notify_all()",
        "            pass",
    ),
    Mutant(
        "malformed messages stay unacked",
        "handler",
        "if not delivery.give_up(DeadLetter(_reason(TABLE[Disposition.MALFORMED]))):",
        "if False:",
    ),
    Mutant(
        "ordering keys ignored",
        "lanes",
        "key = delivery.ordering_key",
        "key = str(id(delivery))",
    ),
    Mutant(
        "more in flight than allowed",
        "sink",
        "self._make_executor(self._concurrency)",
        "self._make_executor(self._concurrency + 1)",
    ),
    Mutant(
        "a lane that forgets its other messages",
        "lanes",
        "        if has_more:\n            self._executor",
        "        if False:\n            self._executor",
    ),
    Mutant(
        "a 429 pauses its own lane alone",
        "policy",
        "delay=_until_the_window_resets, pauses_all=True",
        "delay=_until_the_window_resets",
    ),
    Mutant(
        "no response pauses its own lane alone",
        "policy",
        "delay=_exponential, pauses_all=True",
        "delay=_exponential",
    ),
    Mutant(
        "the rate window ignored",
        "rate_window",
        "            self._window.available -= 1",
        "            pass",
    ),
    Mutant(
        "requests in flight not subtracted",
        "rate_window",
        "self._reserved(reported.limit) - self._in_flight - self._unreported",
        "self._reserved(reported.limit)",
    ),
    Mutant(
        "the others do not wait for the probe",
        "rate_limiter",
        "if self._probe is not None:",
        "if False:",
    ),
]


def plant(mutant: Mutant) -> Callable[..., Sink]:
    """The class Sink of a domain that has the bug; the real modules are left as they are."""
    names = [f"intercom_sink.domain.{name}" for name in _MODULES]
    real = {name: sys.modules[name] for name in names}
    try:
        for name in names:
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            source = Path(spec.origin).read_text()
            if name.endswith(f".{mutant.module}"):
                assert source.count(mutant.right) == 1, f"{mutant.right!r} is no longer in {name}"
                source = source.replace(mutant.right, mutant.wrong)
            module = module_from_spec(spec)
            sys.modules[name] = module
            exec(compile(source, spec.origin, "exec"), module.__dict__)
        made: Callable[..., Sink] = sys.modules["intercom_sink.domain.sink"].Sink
        return made
    finally:
        sys.modules.update(real)
