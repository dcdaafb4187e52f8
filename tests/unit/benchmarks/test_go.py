"""The contenders in Go, and the counts of `perf`."""

import re

from benchmarks.golang import SOURCE, parse_requirements
from benchmarks.system_calls import parse_count

GO_MOD = """\
module example

go 1.25.2

require (
\tgithub.com/rabbitmq/amqp091-go v1.16.0
\tgithub.com/redpanda-data/benthos/v4 v4.60.0
)

require (
\tcuelang.org/go v0.13.2 // indirect
)
"""


def test_the_direct_requirements_are_named_without_their_major_version() -> None:
    assert parse_requirements(GO_MOD) == {"rabbitmq/amqp091-go": "1.16.0", "redpanda-data/benthos": "4.60.0"}


def test_the_module_requires_what_the_page_compares() -> None:
    assert {"rabbitmq/amqp091-go", "redpanda-data/benthos"} < set(parse_requirements((SOURCE / "go.mod").read_text()))


def test_every_direct_requirement_is_locked() -> None:
    locked = (SOURCE / "go.sum").read_text()
    for path, version in re.findall(r"^\t(\S+) (v\S+)$", (SOURCE / "go.mod").read_text(), re.MULTILINE):
        assert f"{path} {version} h1:" in locked


def test_a_count_is_the_number_before_its_event() -> None:
    assert parse_count("# started\n12345,,syscalls:sys_enter_futex,1000,100.00,,\n") == 12345
