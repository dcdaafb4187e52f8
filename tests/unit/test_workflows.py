"""Rules for GitHub's workflows that no linter knows; `make workflows` runs the linters."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.documents import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))

every_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def load(file: Path) -> dict[str, Any]:
    """A workflow. YAML 1.1 reads its key `on` as a boolean."""
    document = yaml.safe_load(file.read_text())
    return {"on" if key is True else str(key): value for key, value in document.items()}


def jobs(file: Path) -> dict[str, Any]:
    found = load(file)["jobs"]
    assert isinstance(found, dict)
    return found


def test_there_are_workflows() -> None:
    assert [file.name for file in WORKFLOWS] == ["image.yml", "release.yml", "site.yml", "test.yml"]


@every_workflow
def test_every_action_is_pinned_by_commit_and_names_its_version(file: Path) -> None:
    """Those of this repository need no pin."""
    for line in re.findall(r"uses: (?!\./)(.*)", file.read_text()):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@every_workflow
def test_an_action_has_the_same_pin_everywhere(file: Path) -> None:
    pins = dict(re.findall(r"uses: ([\w./-]+)@(\S+)", "".join(other.read_text() for other in WORKFLOWS)))
    for action, pin in re.findall(r"uses: ([\w./-]+)@(\S+)", file.read_text()):
        assert pins[action] == pin


@every_workflow
def test_permissions_are_named_by_each_job_and_nothing_is_granted_to_all(file: Path) -> None:
    assert load(file)["permissions"] == {}
    for name, job in jobs(file).items():
        assert job["permissions"], name
        if "pull_request" in load(file)["on"] and "pull_request" in str(job.get("if", "pull_request")):
            assert job["permissions"] == {"contents": "read"}, name


@every_workflow
def test_every_workflow_has_a_concurrency_group_and_every_job_a_timeout(file: Path) -> None:
    assert load(file)["concurrency"]["group"]
    for name, job in jobs(file).items():
        assert "timeout-minutes" in job or "uses" in job, name


def test_tests_run_on_every_python_that_the_package_names() -> None:
    classifiers = re.findall(r"Python :: (3\.\d+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    assert jobs(FOLDER / "test.yml")["test"]["strategy"]["matrix"]["python"] == classifiers


def test_tests_run_on_rabbitmq_3_13_and_4_with_an_erlang_for_each() -> None:
    matrix = jobs(FOLDER / "test.yml")["test"]["strategy"]["matrix"]
    assert [re.match(r"3\.13|4", version) is not None for version in matrix["rabbitmq"]] == [True, True]
    assert [entry["rabbitmq"] for entry in matrix["include"]] == matrix["rabbitmq"]


def test_only_the_publishing_jobs_may_use_an_identity() -> None:
    found = {
        f"{file.stem} {name}"
        for file in WORKFLOWS
        for name, job in jobs(file).items()
        if "id-token" in job["permissions"]
    }
    assert found == {"image publish", "release publish", "site publish"}


def test_a_release_is_published_only_after_the_tests() -> None:
    assert set(jobs(FOLDER / "release.yml")["publish"]["needs"]) == {"test", "build"}
