"""promtool checks rules and expressions."""

import subprocess
from pathlib import Path

from testbed.prometheus import find_program


def promtool(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Runs promtool; raises AssertionError with all that it prints if it finds a fault."""
    done = subprocess.run([find_program("promtool"), *arguments], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
