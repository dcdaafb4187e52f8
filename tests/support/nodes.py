"""What a test may change for a while at a broker that it has to itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from testbed.rabbitmq import Node
from testbed.waiting import wait_until


@contextmanager
def rabbit_settings(node: Node, **values: int) -> Iterator[None]:
    """Changes variables of RabbitMQ's application within the block: `rabbit_settings(node, frame_max=4096)`."""
    former = _change_settings(node, "[" + ",".join(f"{{{name},{value}}}" for name, value in values.items()) + "]")
    try:
        yield
    finally:
        _change_settings(node, former)


def _change_settings(node: Node, settings: str) -> str:
    """Takes and returns Erlang terms such as `[{frame_max,4096}]`; returns the former values."""
    return node.ctl(
        "eval",
        "[begin {ok, Former} = application:get_env(rabbit, Name), application:set_env(rabbit, Name, Value),"
        f" {{Name, Former}} end || {{Name, Value}} <- {settings}].",
    ).strip()


@contextmanager
def memory_alarm(node: Node) -> Iterator[None]:
    """Within the block the broker is short of memory, and blocks publishers."""
    former = node.ctl("eval", "vm_memory_monitor:get_vm_memory_high_watermark().").strip()
    _change_memory_limit(node, "{absolute, 1}")
    try:
        wait_until(lambda: _has_memory_alarm(node), "the alarm")
        yield
    finally:
        _change_memory_limit(node, former)
    wait_until(lambda: not _has_memory_alarm(node), "the alarm to end")


def _change_memory_limit(node: Node, limit: str) -> None:
    node.ctl("eval", f"vm_memory_monitor:set_vm_memory_high_watermark({limit}).")


def _has_memory_alarm(node: Node) -> bool:
    return "resource_limit,memory" in node.ctl("eval", "rabbit_alarm:get_alarms().")
