"""What runs the code blocks of the documents notices when one does not do what its page says."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from intercom_sink.testing import FakeIntercom
from tests.support.code_blocks import blocks_of
from tests.support.page_runner import PageRunner
from tests.support.processes import environment_with
from tests.support.programs import Programs


@pytest.fixture
def runner(intercom: FakeIntercom, tmp_path: Path) -> Iterator[PageRunner]:
    work, state = tmp_path / "work", tmp_path / "state"
    work.mkdir()
    state.mkdir()
    with (
        Programs(state) as programs,
        PageRunner(work, state, programs, {"PLACEHOLDER": "real"}, {"a variable": set_variable}, intercom) as made,
    ):
        yield made


def set_variable(runner: PageRunner) -> None:
    runner.variables["GIVEN"] = "given"


def run(runner: PageRunner, text: str) -> None:
    page = runner.folder.with_name("page.md")
    page.write_text(text)
    for block in blocks_of(page):
        runner.run(block)


def test_blocks_share_variables_the_folder_and_names(runner: PageRunner) -> None:
    run(
        runner,
        "```console\n$ export NAME=PLACEHOLDER\n$ mkdir inner && cd inner\n```\n"
        "<!-- file: made.txt -->\n```text\nPLACEHOLDER\n```\n"
        '```python\nimport os\nname = os.environ["NAME"]\n```\n'
        '```python\nfrom pathlib import Path\nassert name == Path("made.txt").read_text().strip() == "real"\n```\n'
        "<!-- given: a variable -->\n```sh\ntest $GIVEN-$NAME = given-real\n```\n",
    )


def test_program_is_the_sink_itself(runner: PageRunner) -> None:
    run(runner, "```console\n$ intercom-sink --version\nintercom-sink ...\n```\n")
    run(
        runner,
        "<!-- exit code: 2 -->\n```console\n$ intercom-sink publish --nonsense\n...unrecognized arguments...\n```\n",
    )


def test_output_is_compared_with_placeholders_in_place(runner: PageRunner) -> None:
    run(runner, "```console\n$ echo PLACEHOLDER value\nPLACEHOLDER ...\n```\n")


@pytest.mark.parametrize(
    "block",
    [
        "```console\n$ echo a\nb\n```\n",
        "```console\n$ false\n```\n",
        "```sh\nfalse\ntrue\n```\n",
        "<!-- exit code: 1 -->\n```console\n$ true\n```\n",
        "<!-- ends after: never -->\n```console\n$ echo a\n```\n",
        "```python\nassert False\n```\n",
    ],
)
def test_block_that_does_not_do_as_its_page_says_is_an_error(runner: PageRunner, block: str) -> None:
    with pytest.raises(AssertionError):
        run(runner, block)


def test_program_whose_shell_is_killed_ends_with_the_page(tmp_path: Path) -> None:
    with Programs(tmp_path) as programs:
        command = ["bash", "-c", "exec intercom-sink fake-intercom --port 0"]
        environment = environment_with({}) | programs.variables
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as shell:
            assert shell.stdout is not None
            assert shell.stdout.readline() != b""
            shell.kill()
            shell.wait()
        assert programs.latest().poll() is None
    assert programs.latest().wait(10) == -signal.SIGKILL
