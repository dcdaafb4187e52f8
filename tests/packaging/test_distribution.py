"""The source distribution and the wheel: what they hold, and that the wheel works on its own."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_string
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from intercom_sink.adapters.installation import sink_version
from tests.support.documents import LINK, README, ROOT

EPOCH = 1_700_000_000
"""When the distributions were built, as they are told."""

NOT_COPIED = (
    ".git",
    ".venv*",
    ".debian",
    ".*_cache",
    ".hypothesis",
    ".coverage*",
    "build",
    "dist",
    "node_modules",
    "__pycache__",
    "*.egg-info",
)
"""What is never part of a distribution, and is large, or written while the tests run."""

REPOSITORY = "https://github.com/intercom-sink/intercom-sink"

RUN = (
    "import sys\n"
    "from importlib.metadata import entry_points\n"
    "(script,) = entry_points(group='console_scripts', name='intercom-sink')\n"
    "sys.exit(script.load()())"
)
"""What the installed command does."""

USE = """
from intercom_sink import *
from intercom_sink import events
from intercom_sink.testing import InMemoryGateway, InMemorySource, VirtualClock

clock = VirtualClock()
source = InMemorySource([encode(IntercomRequest("POST", "/contacts", {}))], monotonic=clock.monotonic)
gateway = InMemoryGateway([Response(500), Response(200)])
print(build_sink(SinkSettings.from_environment({}), source=source, gateway=gateway, clock=clock).run())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution and the wheel, of a copy: two builds in one folder would disturb each other."""
    copy, folder = tmp_path_factory.mktemp("source") / "project", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    command = [sys.executable, "tools/build_dist.py", str(folder)]
    environ = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=True)
    sdist, wheel = map(Path, done.stdout.splitlines())
    return sdist, wheel


@pytest.fixture(scope="module")
def python(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in requirements("intercom-sink"):
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            (packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    with zipfile.ZipFile(built[1]) as archive:
        archive.extractall(packages)
    return folder / "bin" / "python"


def requirements(name: str) -> set[str]:
    """The names of what a package requires without extras, directly or not."""
    needed = set[str]()
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed |= {requirement.name} | requirements(requirement.name)
    return needed


def run(python: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-P", *arguments]
    return subprocess.run(command, cwd=python.parent, env=variables, capture_output=True, text=True)


def tracked_files() -> Iterator[str]:
    """The files of the project; outside git, those of the source distribution that it was unpacked from."""
    if (ROOT / ".git").exists():
        yield from subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    else:
        lines = (ROOT / "intercom_sink.egg-info" / "SOURCES.txt").read_text().splitlines()
        yield from (line for line in lines if "egg-info/" not in line)


def test_source_distribution_is_what_git_tracks(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    added = {"PKG-INFO"} | {name for name in names if name.startswith("intercom_sink.egg-info/")}
    assert names - added == set(tracked_files())


def test_wheel_holds_the_package_its_types_and_its_licence_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        names = set(archive.namelist())
    package = {name for name in tracked_files() if name.startswith("intercom_sink/")}
    assert "intercom_sink/py.typed" in package
    information = f"intercom_sink-{sink_version()}.dist-info"
    files = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt")
    assert names == package | {f"{information}/{file}" for file in files}


def test_nothing_in_them_tells_when_or_by_whom_they_were_built(built: tuple[Path, Path]) -> None:
    """Times, owners, modes and the order are what differs between two builds."""
    sdist, wheel = built
    assert int.from_bytes(sdist.read_bytes()[4:8], "little") == EPOCH  # in gzip's header (RFC 1952)
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in members} == {
        (EPOCH, 0, 0, "", "")
    }
    assert {member.mode for member in members} == {0o755, 0o644}
    assert [member.name for member in members] == sorted(member.name for member in members)
    with zipfile.ZipFile(wheel) as zipped:
        assert {entry.date_time[:5] for entry in zipped.infolist()} == {(2023, 11, 14, 22, 13)}
        assert {entry.external_attr >> 16 & 0o777 for entry in zipped.infolist()} <= {0o644, 0o664}


def test_metadata_is_what_an_index_accepts(built: tuple[Path, Path]) -> None:
    """Among it the README, as the page of the project on PyPI."""
    for command in (["twine", "check", "--strict", *map(str, built)], ["check_wheel_contents", str(built[1])]):
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(built[1]) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = message_from_string(archive.read(name).decode())
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Version"] == sink_version()


def test_every_link_of_the_page_on_pypi_is_absolute(built: tuple[Path, Path]) -> None:
    """There are no other files of the project. In the source distribution the README itself is unchanged."""
    sdist, wheel = built
    with zipfile.ZipFile(wheel) as zipped:
        (name,) = [name for name in zipped.namelist() if name.endswith("/METADATA")]
        pages = [zipped.read(name).decode()]
    with tarfile.open(sdist) as archive:
        files = {member.name.partition("/")[2]: member for member in archive}
        for name in ("PKG-INFO", "intercom_sink.egg-info/PKG-INFO"):
            content = archive.extractfile(files[name])
            assert content is not None
            pages.append(content.read().decode())
        readme = archive.extractfile(files["README.md"])
        assert readme is not None
        assert readme.read() == README.read_bytes()
    for page in pages:
        found = {link or source for link, source in LINK.findall(page)}
        assert f"{REPOSITORY}/raw/HEAD/docs/diagrams/message_flow.svg" in found
        assert f"{REPOSITORY}/blob/HEAD/README.md#troubleshooting" in found
        assert [link for link in found if "://" not in link] == []


def test_command_runs_in_a_clean_environment(python: Path) -> None:
    done = run(python, "-c", RUN, "--help")
    assert done.returncode == 0
    assert "dead-letters" in done.stdout


def test_check_reports_settings_and_a_missing_broker_in_a_clean_environment(python: Path) -> None:
    variables = {
        "CJW_RABBITMQ_HOST": "127.0.0.1:1",
        "CJW_INTERCOM_API_TOKEN": "mock",
        "CJW_INTERCOM_QUEUE_NAME": "q",
        "CJW_RABBITMQ_RECONNECT_TIMEOUT": "0",
    }
    done = run(python, "-c", RUN, "check", **variables)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert done.stderr == ""
    assert lines[0] == "ok    settings  queue q, mock"
    assert any(line.startswith("FAIL  broker    amqp://guest@127.0.0.1:1/: ") for line in lines)


def test_library_works_in_a_clean_environment(python: Path) -> None:
    """Every public name can be imported, and a sink runs in memory."""
    done = run(python, "-W", "error", "-c", USE)
    assert done.returncode == 0, done.stderr
    assert "'delivered'" in done.stdout
