"""The domain with a bug planted in it, to see that the simulation finds it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from pathlib import Path

from intercom_sink import Sink

_MODULES = (
    "retry_state",
    "policy",
    "attempt",
    "shared_window",
    "rate_window",
    "rate_limiter",
    "diagnosis",
    "hold",
    "malformed",
    "handler",
    "lanes",
    "sink",
)
"""Those that a bug may be planted in, each after those that it imports."""


@dataclass(frozen=True)
class Mutant:
    """A small change of the domain."""

    name: str
    module: str
    right: str
    wrong: str


MUTANTS = [
    Mutant(
        "ack too early",
        "handler",
        "result = self.gateway.send(request, delivery.envelope.trace)",
        "delivery.ack(); result = self.gateway.send(request, delivery.envelope.trace)",
    ),
    Mutant(
        "5xx flag not cleared",
        "policy",
        "previous_was_server_error=rule.is_server_error,",
        "previous_was_server_error=state.previous_was_server_error or rule.is_server_error,",
    ),
    Mutant(
        "retry after a lost connection",
        "handler",
        "return self.stopping() or self.hold.is_active() or delivery.is_lost()",
        "return self.stopping() or self.hold.is_active()",
    ),
    Mutant(
        "order broken",
        "sink",
        "                dispatch(delivery)",
        "                second = self._source.receive(); second and dispatch(second); dispatch(delivery)",
    ),
    Mutant(
        "no response taken for one",
        "policy",
        "            Action.RETRY,\n            Severity.ERROR,\n            delay=_exponential_in_an_outage,",
        "            Action.ACK,\n            Severity.ERROR,\n            delay=_exponential_in_an_outage,",
    ),
    Mutant(
        "5xx retried for ever",
        "policy",
        "return Disposition.REPEATED_SERVER_ERROR if state.previous_was_server_error else Disposition.SERVER_ERROR",
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
        "return self.stopping() or self.hold.is_active() or delivery.is_lost()",
        "return self.hold.is_active() or delivery.is_lost()",
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
        "malformed",
        "given_up = delivery.give_up(DeadLetter(Reason.MALFORMED, detail=reason))",
        "given_up = True",
    ),
    Mutant(
        "ordering keys ignored",
        "lanes",
        "key = delivery.envelope.ordering_key",
        "key = str(id(delivery))",
    ),
    Mutant(
        "more in flight than allowed",
        "sink",
        "self._make_workers(self._concurrency)",
        "self._make_workers(self._concurrency + 1)",
    ),
    Mutant(
        "a lane that forgets its other messages",
        "lanes",
        "            if lane:\n                return True\n",
        "            if lane:\n                return False\n",
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
        "delay=_exponential_in_an_outage,\n            pauses_all=True",
        "delay=_exponential_in_an_outage",
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
        "self._reserved(reported.limit) - self._uncounted()",
        "self._reserved(reported.limit)",
    ),
    Mutant(
        "the others do not wait for the probe",
        "rate_limiter",
        "if self._probe is not None:",
        "if False:",
    ),
    Mutant(
        "a stale response replaces the probe",
        "rate_limiter",
        "elif is_probe and isinstance(result, Response):",
        "elif isinstance(result, Response):",
    ),
    Mutant(
        "a second lane's limit pauses that lane alone",
        "rate_limiter",
        "return len(self._lane_pauses) > 1",
        "return False",
    ),
    Mutant(
        "a duplicate given up",
        "policy",
        "case Response(status=409) if state.possible_duplicate:",
        "case Response(status=409) if False:",
    ),
    Mutant(
        "a message blamed for the token",
        "diagnosis",
        "        case Response(status=401 | 403):\n            return Fault.TOKEN",
        "        case Response(status=401 | 403):\n            return Fault.MESSAGE",
    ),
    Mutant(
        "GET /me not sent",
        "handler",
        "needs_diagnosis = self.options.hold and",
        "needs_diagnosis = False and",
    ),
    Mutant(
        "sent on during a hold",
        "handler",
        "return self.stopping() or self.hold.is_active() or delivery.is_lost()",
        "return self.stopping() or delivery.is_lost()",
    ),
    Mutant(
        "a hold wakes nobody",
        "sink",
        "        self._source.interrupt()\n        self._limiter.wake()",
        "        self._source.interrupt()",
    ),
    Mutant(
        "messages kept in memory during a hold",
        "sink",
        "                    self._source.requeue()\n",
        "",
    ),
    Mutant(
        "a hold that ends with any response",
        "hold",
        "return fault_of(result) is Fault.MESSAGE",
        "return isinstance(result, Response)",
    ),
    Mutant(
        "a poisonous message sent for ever",
        "policy",
        "is_last = options.dead_letters and state.message_failures + 1 >= MAX_MESSAGE_FAILURES",
        "is_last = False",
    ),
    Mutant(
        "an outage that keeps its messages",
        "handler",
        "self.limiter.outage_seconds() >= MAX_OUTAGE",
        "False",
    ),
]

SHARED_WINDOW_MUTANTS = [
    Mutant(
        "the others ignored",
        "rate_window",
        "others = window.limit - window.lowest_remaining - window.reported - self._uncounted()",
        "others = 0",
    ),
    Mutant(
        "no room left for bursts",
        "shared_window",
        "left_for_bursts = min(",
        "left_for_bursts = 0 * min(",
    ),
    Mutant(
        "small shares that do not grow",
        "shared_window",
        "GROWTH = 0.5",
        "GROWTH = 0.0",
    ),
    Mutant(
        "nothing spread for newcomers",
        "shared_window",
        "HEAD_ALONE = 15 / 16",
        "HEAD_ALONE = 1",
    ),
    Mutant(
        "all of the window sent at once",
        "shared_window",
        "HEAD_SHARED = 0.25",
        "HEAD_SHARED = 1",
    ),
]
"""Those that only several users of one rate window show."""


def plant(mutant: Mutant) -> Callable[..., Sink]:
    """The class Sink of a domain that has the bug; the real modules are left as they are."""
    names = [f"intercom_sink.domain.{name}" for name in _MODULES]
    real = {name: sys.modules[name] for name in names}
    package = sys.modules["intercom_sink.domain"]
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
            setattr(package, name.rpartition(".")[2], module)  # for `from intercom_sink.domain import ...`
            exec(compile(source, spec.origin, "exec"), module.__dict__)
        made: Callable[..., Sink] = sys.modules["intercom_sink.domain.sink"].Sink
        return made
    finally:
        sys.modules.update(real)
        for name, module in real.items():
            setattr(package, name.rpartition(".")[2], module)
