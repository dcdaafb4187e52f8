"""The domain with a bug planted in it, to see that the simulation finds it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from pathlib import Path

from intercom_sink import Sink

_MODULES = ("policy", "rate_window", "pacing", "delivery", "lanes", "sink")
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
        "delivery",
        "outcome = self.gateway.send(request)",
        "delivery.ack(); outcome = self.gateway.send(request)",
    ),
    Mutant(
        "flag not reset",
        "policy",
        "is_server_error=kind is Kind.SERVER_ERROR",
        "is_server_error=history.last_was_server_error or kind is Kind.SERVER_ERROR",
    ),
    Mutant(
        "retry after a lost connection",
        "delivery",
        "return self.stopping() or delivery.is_lost()",
        "return self.stopping()",
    ),
    Mutant(
        "order broken",
        "sink",
        "                    self._settle(delivery)\n            else",
        "                    second = self._source.receive(); second and self._settle(second); self._settle(delivery)\n"
        "            else",
    ),
    Mutant(
        "no answer taken for one",
        "policy",
        "Kind.NO_ANSWER: Rule(Action.SEND_AGAIN, ERROR, _longer_each_time, holds_all=True),",
        "Kind.NO_ANSWER: Rule(Action.SETTLE, ERROR),",
    ),
    Mutant(
        "50X retried for ever",
        "policy",
        "return Kind.SERVER_ERROR_AGAIN if history.last_was_server_error else Kind.SERVER_ERROR",
        "return Kind.SERVER_ERROR",
    ),
    Mutant(
        "429 given up",
        "policy",
        "Kind.RATE_LIMITED: Rule(Action.SEND_AGAIN, WARNING, _until_the_window_resets, holds_all=True),",
        "Kind.RATE_LIMITED: Rule(Action.SETTLE, WARNING),",
    ),
    Mutant(
        "sent after a stop",
        "delivery",
        "return self.stopping() or delivery.is_lost()",
        "return delivery.is_lost()",
    ),
    Mutant(
        "malformed messages left",
        "sink",
        "became = MALFORMED if delivery.give_up(DeadLetter(Reason.MALFORMED)) else None",
        "became = MALFORMED",
    ),
    Mutant(
        "the keys ignored",
        "sink",
        "lanes.put(delivery.ordering_key,",
        "lanes.put(str(id(delivery)),",
    ),
    Mutant(
        "more at once than allowed",
        "sink",
        "self._make_executor(self._concurrency)",
        "self._make_executor(self._concurrency + 1)",
    ),
    Mutant(
        "a lane that forgets what waits in it",
        "lanes",
        "        if has_more:",
        "        if False:",
    ),
    Mutant(
        "a 429 holds its own lane alone",
        "policy",
        "_until_the_window_resets, holds_all=True)",
        "_until_the_window_resets)",
    ),
    Mutant(
        "a failure holds its own lane alone",
        "policy",
        "_longer_each_time, holds_all=True)",
        "_longer_each_time)",
    ),
    Mutant(
        "the rate window ignored",
        "rate_window",
        "            self._window.left -= 1",
        "            pass",
    ),
    Mutant(
        "what is on its way not counted",
        "rate_window",
        "self._reserved(told.limit) - self._in_flight - self._untold",
        "self._reserved(told.limit)",
    ),
    Mutant(
        "the others do not wait for the one that goes ahead",
        "pacing",
        "return seconds if self._ahead is None else LONGEST",
        "return seconds",
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
