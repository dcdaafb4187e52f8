"""Builds the contenders in Go, where a Go toolchain is installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.catalogue import GO_FOLDER

SOURCE = Path(__file__).parent / "contenders" / "go"


def build() -> str | None:
    """Builds them once into GO_FOLDER; returns why that is not possible, or None."""
    go = shutil.which("go")
    if go is None:
        return "no Go toolchain is installed"
    GO_FOLDER.mkdir(parents=True, exist_ok=True)
    # Go itself finds out what has changed since the last build.
    command = [go, "build", "-mod=readonly", "-o", f"{GO_FOLDER}/", "./loop", "./benthos"]
    environment = os.environ | {"GOTOOLCHAIN": "local"}  # an older Go is an answer, not a reason to download another
    done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True)
    return None if done.returncode == 0 else f"go build failed: {done.stderr.strip().splitlines()[-1]}"


def versions() -> dict[str, str]:
    """The versions of the toolchain and of the libraries that are compared; empty where there is no Go."""
    go = shutil.which("go")
    if go is None:
        return {}
    toolchain = subprocess.run([go, "env", "GOVERSION"], check=True, capture_output=True, text=True).stdout.strip()
    return {"Go": toolchain.removeprefix("go")} | parse_requirements((SOURCE / "go.mod").read_text())


def parse_requirements(text: str) -> dict[str, str]:
    """The direct requirements of a go.mod, by their path on GitHub, without its major version."""
    direct = re.findall(r"^\t(\S+?)(?:/v\d+)? v(\S+)$", text, re.MULTILINE)
    return {path.removeprefix("github.com/"): version for path, version in direct}
