"""The code blocks of the README and of docs run, in order, on a real broker."""

from collections.abc import Callable
from pathlib import Path

import pytest

from intercom_sink.testing.intercom import FakeIntercom, error
from testbed.ports import free_ports
from testbed.rabbitmq import Node
from testbed.sink_process import TOKEN
from tests.support.code_blocks import blocks_of
from tests.support.documents import DOCUMENTS, PLACEHOLDER_URLS, ROOT
from tests.support.messages import message
from tests.support.page_runner import PageRunner
from tests.support.processes import run_command
from tests.support.programs import Programs
from tests.support.queues import Queue

PORT_IN_PAGES = "8765"
"""The port of every local server in the documents."""


def set_settings(runner: PageRunner) -> None:
    """The settings that the sink needs, and a dead-letter queue."""
    runner.variables |= {
        "CJW_RABBITMQ_HOST": runner.replacements[PLACEHOLDER_URLS[0]],
        "CJW_INTERCOM_API_TOKEN": TOKEN,
        "CJW_INTERCOM_QUEUE_NAME": "intercom",
        "CJW_INTERCOM_DEAD_LETTER_QUEUE": "intercom.rejected",
    }


def reject_messages(runner: PageRunner) -> None:
    """Three dead letters of another queue: Intercom has responded to each message with 400."""
    set_settings(runner)
    runner.intercom.script += [error(400, "parameter_invalid")] * 3
    queue = Queue(runner.variables["CJW_RABBITMQ_HOST"], "other")
    queue.declare()
    queue.publish(*(message(number) for number in range(3)))
    variables = {name: value for name, value in runner.variables.items() if name.startswith("CJW_")}
    done = run_command("run", "--drain", **variables | queue.variables, CJW_LOG_LEVEL="CRITICAL")
    assert "3 rejected" in done.stdout, done


def declare_queue(runner: PageRunner) -> None:
    """The queue `intercom`."""
    Queue(runner.replacements[PLACEHOLDER_URLS[0]], "intercom").declare()


GIVENS: dict[str, Callable[[PageRunner], None]] = {
    "settings": set_settings,
    "the queue": declare_queue,
    "rejected messages": reject_messages,
}


def test_code_blocks_of_every_page_run(session_node: Node, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """One test of all pages, since only one of the test processes then needs a broker of its own."""
    pages = [page for page in DOCUMENTS if any(block.runs for block in blocks_of(page))]
    assert len(pages) > 1
    urls = make_virtual_hosts(session_node, len(pages))
    for number, (page, url) in enumerate(zip(pages, urls, strict=True)):
        with subtests.test(str(page.relative_to(ROOT))):
            run_page(page, url, tmp_path / str(number))


def run_page(page: Path, url: str, folder: Path) -> None:
    """Runs the blocks of a page."""
    work, state = folder / "work", folder / "state"
    work.mkdir(parents=True)
    state.mkdir()
    replacements = {**dict.fromkeys(PLACEHOLDER_URLS, url), PORT_IN_PAGES: str(free_ports(1)[0])}
    with (
        FakeIntercom() as intercom,
        Programs(state) as programs,
        PageRunner(work, state, programs, replacements, GIVENS, intercom) as runner,
    ):
        for block in blocks_of(page):
            if block.runs:
                runner.run(block)


def make_virtual_hosts(node: Node, count: int) -> list[str]:
    """The URLs of so many virtual hosts: no page finds a queue of another one."""
    names = [f"page-{number}" for number in range(count)]
    listed = ",".join(f'<<"{name}">>' for name in names)
    node.eval(
        "[begin rabbit_vhost:add(Name, <<>>),"
        ' rabbit_auth_backend_internal:set_permissions(<<"guest">>, Name, <<".*">>, <<".*">>, <<".*">>, <<>>)'
        f" end || Name <- [{listed}]].",
    )
    return [node.url + name for name in names]
