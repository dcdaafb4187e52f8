"""Builds the source distribution and the wheel, the same bytes each time: tools/build_dist.py FOLDER

The wheel is built from the source distribution, so that this is known to be complete, with the setuptools of the
environment. Relative links of the README are made absolute in the metadata of both: on PyPI there are no other files.
SOURCE_DATE_EPOCH (https://reproducible-builds.org/docs/source-date-epoch/) is the time of every file; by default that
of the last commit, or the earliest that a zip archive can hold where there is no git.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
from configparser import ConfigParser
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

EARLIEST = 315_532_800
"""1980-01-01, in Unix seconds."""

RELATIVE_LINK = re.compile(rb'(\]\(| src=")(?![a-z]+:)([^)"\s]+)')
"""In Markdown or HTML."""

BACKEND = "import sys; from setuptools import build_meta; print(build_meta.{hook}(sys.argv[1]))"


def main(folder: Path) -> None:
    """Builds both into a folder, and prints their paths."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or last_commit() or EARLIEST)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        temporary = Path(name)
        built = build("build_sdist", Path.cwd(), temporary, epoch)
        sdist = folder / built.name
        normalize(built, sdist, epoch)
        with tarfile.open(sdist) as archive:
            archive.extractall(temporary, filter="data")
        unpacked = temporary / built.name.removesuffix(".tar.gz")
        readme = unpacked / "README.md"
        readme.write_bytes(with_absolute_links(readme.read_bytes()))
        wheel = build("build_wheel", unpacked, temporary, epoch)
        print(sdist, shutil.move(wheel, folder / wheel.name), sep="\n")


def last_commit() -> str:
    """When the last commit was made, in Unix seconds; "" without git."""
    try:
        return subprocess.run(["git", "log", "-1", "--format=%ct"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def build(hook: str, source: Path, folder: Path, epoch: int) -> Path:
    """Calls a hook of setuptools (PEP 517) in the source tree; returns what it has built."""
    environ = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
    command = [sys.executable, "-c", BACKEND.format(hook=hook), str(folder)]
    done = subprocess.run(command, cwd=source, env=environ, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    return folder / done.stdout.splitlines()[-1]


def with_absolute_links(text: bytes) -> bytes:
    """The README, or metadata that hold it, with links to files of the project that lead to its repository."""
    setup = ConfigParser()
    setup.read("setup.cfg")
    repository = setup["metadata"]["url"]

    def absolute(link: re.Match[bytes]) -> bytes:
        before, target = link[1].decode(), link[2].decode()
        path = f"README.md{target}" if target.startswith("#") else target
        return f"{before}{repository}/{'raw' if 'src' in before else 'blob'}/HEAD/{path}".encode()

    return RELATIVE_LINK.sub(absolute, text)


def normalize(built: Path, sdist: Path, epoch: int) -> None:
    """Copies an archive without what differs between two builds (times, owners, umask, order), with absolute links."""
    with (
        tarfile.open(built) as source,
        sdist.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            content = source.extractfile(member)
            if content is not None and member.name.endswith("/PKG-INFO"):
                content = BytesIO(with_absolute_links(content.read()))
                member.size = len(content.getbuffer())
            target.addfile(member, content)


if __name__ == "__main__":
    os.umask(0o022)
    main(Path(sys.argv[1]).resolve())
