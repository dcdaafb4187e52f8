"""promtool, of an installed Prometheus or of Debian's package, unpacked into a folder of the project."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support.documents import ROOT


@cache
def find_promtool() -> Path:
    """Where promtool is; an error, never a skip, if it can't be had. The first call may download it."""
    if installed := shutil.which("promtool"):
        return Path(installed)
    done = subprocess.run([ROOT / "tools/unpack-debian", "prometheus"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"install Prometheus, or let apt-get reach its mirror: {done.stderr}")
    return Path(done.stdout.strip()) / "usr/bin/promtool"


def promtool(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Runs promtool; raises AssertionError with all that it prints if it finds a fault."""
    done = subprocess.run([find_promtool(), *arguments], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
