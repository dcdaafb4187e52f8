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
    return node.eval(
        "[begin {ok, Former} = application:get_env(rabbit, Name), application:set_env(rabbit, Name, Value),"
        f" {{Name, Former}} end || {{Name, Value}} <- {settings}]."
    )


def close_connections(node: Node, user: str, reason: str) -> None:
    """Closes the connections of a user as an operator would, once there are any.

    `rabbitmqctl close_all_user_connections` looks them up in a table that lags behind on a busy machine: it may miss
    one that was opened just before, and says nothing.
    """
    close = (
        "Pids = [Pid || Pid <- rabbit_networking:connections(),"
        f' [{{user, <<"{user}">>}}] == rabbit_networking:connection_info(Pid, [user])],'
        f' [rabbit_networking:close_connection(Pid, <<"{reason}">>) || Pid <- Pids], length(Pids).'
    )
    wait_until(lambda: int(node.eval(close)) > 0, f"a connection of {user}")


@contextmanager
def memory_alarm(node: Node) -> Iterator[None]:
    """Within the block the broker is short of memory, and blocks publishers."""
    former = node.eval(
        "Former = vm_memory_monitor:get_vm_memory_high_watermark()," + _memory_limit("{absolute, 1}", alarm=True)
    )
    try:
        yield
    finally:
        node.eval(_memory_limit(former, alarm=False))


def _memory_limit(limit: str, *, alarm: bool) -> str:
    """Erlang that changes the limit, waits until there is an alarm, or none, and returns the variable `Former`."""
    return (
        f"vm_memory_monitor:set_vm_memory_high_watermark({limit}),"
        "IsRaised = fun () -> lists:keymember({resource_limit, memory, node()}, 1, rabbit_alarm:get_alarms()) end,"
        f"Wait = fun Wait() -> IsRaised() == {str(alarm).lower()} orelse begin timer:sleep(20), Wait() end end,"
        "true = Wait()," + ("Former." if alarm else "ok.")
    )
