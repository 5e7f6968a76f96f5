"""A copy of the repository in which a mutant is tested: the checkout is never changed."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster_tests.benchmarks.mutation.mutants import Mutant

INSTALLED = (".label-studio", ".postgresql", ".triton")  # what the tests' servers are started from
MOST_MEMORY = 8 * 2**30  # bytes; a mutant may ask for all there is
NO_TESTS = 5  # pytest's exit status


@dataclass(frozen=True)
class Outcome:
    """How tests ended.

    Attributes:
        status: pytest's exit status; None where it was stopped after its time.
        output: What it printed.
    """

    status: int | None
    output: str

    @property
    def passed(self) -> bool:
        """Whether no test noticed anything."""
        return self.status in (0, NO_TESTS)

    @property
    def first_failure(self) -> str:
        """The first test that failed."""
        found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", self.output, re.MULTILINE)
        return found[1].removeprefix("legosigns_dagster_tests/") if found else "an import fails"


class WorkingCopy:
    """A copy of the repository, with a folder for what tests write.

    Args:
        root: The repository.
        folder: An empty folder for the copy.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self._scratch = folder / "repository", folder / "scratch"
        shutil.copytree(root, self.root, ignore=shutil.ignore_patterns(".*", "__pycache__", "build"))
        for name in INSTALLED:
            (self.root / name).symlink_to(root / name)

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """Put a mutant's file into the copy while the block runs."""
        file = self.root / mutant.file
        before = file.read_bytes()
        file.write_text(mutant.code, encoding="utf-8")
        try:
            yield
        finally:
            file.write_bytes(before)

    def run_tests(self, arguments: Sequence[str], time_limit_s: float, **variables: str) -> Outcome:
        """Run pytest in the copy, in a process group of its own that ends with it."""
        self._scratch.mkdir()
        (self._scratch / "tmp").mkdir()
        command = ["prlimit", f"--data={MOST_MEMORY}", sys.executable, "-m", "pytest", "--quiet", "--tb=no",
                   "-p", "no:cacheprovider", f"--basetemp={self._scratch / 'tests'}", *arguments]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": str(self.root), "TMPDIR": str(self._scratch / "tmp")} | variables
        process = subprocess.Popen(command, cwd=self.root, env=environment, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
        try:
            output, _ = process.communicate(timeout=time_limit_s)
            return Outcome(process.returncode, output)
        except subprocess.TimeoutExpired:
            return Outcome(None, "")
        finally:
            end_group(process)
            shutil.rmtree(self._scratch, ignore_errors=True)


def end_group(process: "subprocess.Popen[str]") -> None:
    """End a process and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
