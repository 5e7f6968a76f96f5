"""The package's wheel, built from files that git knows."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from legosigns_dagster_tests.support.environment import ROOT


def tracked(*sources: str) -> list[str]:
    """The files that git knows below these files and folders of the repository."""
    command = ["git", "ls-files", *sources]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def build_wheel(files: Iterable[str], folder: Path) -> Path:
    """Build a wheel from copies of these files of the repository, without a network."""
    for name in files:
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), "./source"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel
