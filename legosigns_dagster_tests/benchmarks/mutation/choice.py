"""Which tests a mutant is shown: those that run the function that it changes."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from legosigns_dagster_tests.benchmarks.mutation.lines_by_test import VARIABLE
from legosigns_dagster_tests.benchmarks.mutation.mutants import PACKAGE, Mutant, list_files
from legosigns_dagster_tests.benchmarks.mutation.working_copy import Outcome, WorkingCopy
from legosigns_dagster_tests.support.fast import TESTS, imported, is_left_out

FAST = "legosigns_dagster_tests.support.fast"
# They look at other things than what core and resources do, or draw the sample, which takes a minute.
IGNORED = ("sample", "test_architecture.py", "test_image.py", "test_packaging.py", "test_fast.py")


class TestChoice:
    """Chooses test files, the fastest first.

    Args:
        copy: A copy of the repository in which nothing is changed. The fast tests are run in it once.
    """

    def __init__(self, copy: WorkingCopy) -> None:
        self._root = copy.root
        written = copy.root.parent / "lines.json"
        plugin = "legosigns_dagster_tests.benchmarks.mutation.lines_by_test"
        ignored = [f"--ignore={TESTS}/{name}" for name in IGNORED]
        require_pass(copy.run_tests(["-p", plugin, "-p", FAST, *ignored], 3600, **{VARIABLE: str(written)}))
        found = json.loads(written.read_text(encoding="utf-8"))
        self._lines: dict[str, dict[str, list[str]]] = found["lines"]
        self._seconds: dict[str, float] = found["seconds"]
        self._left_out = set(found["left_out"])

    def fast_tests(self, mutant: Mutant) -> list[str]:
        """The files of fast tests that run the changed function: the module's own first, then those of its room.

        Outside of functions: those that run any function of the module or of one that imports it, and those of the
        documentation, which has the defaults.
        """
        body = function_lines((self._root / mutant.file).read_text(encoding="utf-8"), mutant.line)
        if body:
            lines = self._lines.get(str(mutant.file), {})
            found = {test for line in body for test in lines.get(str(line), ())}
        else:
            modules = [mutant.file, *self._importers(mutant.file)]
            found = {test for file in modules for by in self._lines.get(str(file), {}).values() for test in by}
            found.add(f"{TESTS}/test_docs.py")
        folder = self.own_folder(mutant)
        own = f"{folder}/test_{mutant.file.name}"
        return sorted(found, key=lambda test: (test != own, not test.startswith(f"{folder}/"), self.seconds(test)))

    def other_tests(self, mutant: Mutant) -> list[str]:
        """The files in the room's own folder of tests that have tests which load torch or start a server."""
        files = (self._root / self.own_folder(mutant)).glob("test_*.py")
        names = sorted(files, key=lambda file: (file.name != f"test_{mutant.file.name}", file.name))
        tests = [file.relative_to(self._root).as_posix() for file in names]
        return [name for name in tests if name in self._left_out or is_left_out(self._root / name)]

    @staticmethod
    def own_folder(mutant: Mutant) -> str:
        """The folder of the tests of the changed file's room."""
        return (Path(TESTS) / mutant.file.parent.relative_to(PACKAGE)).as_posix()

    def seconds(self, test: str) -> float:
        """How long the fast tests of a file take."""
        return self._seconds.get(test, 0.0)

    def _importers(self, file: Path) -> Iterator[Path]:
        module = ".".join(file.with_suffix("").parts)
        for other in list_files(self._root):
            if any(f"{name}.".startswith(f"{module}.") for name in imported(self._root / other)):
                yield other


def function_lines(code: str, line: int) -> range:
    """The lines of the innermost function's body in which a line is, or of whose head it is part. None: empty."""
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
    around = [f for f in functions if f.lineno <= line <= (f.end_lineno or 0)]
    if not around:
        return range(0)
    inner = max(around, key=lambda function: function.lineno)
    return range(inner.body[0].lineno, (inner.end_lineno or 0) + 1)


def require_pass(outcome: Outcome) -> None:
    """End with pytest's output where the tests do not pass without any change: they would kill every mutant."""
    if not outcome.passed:
        raise SystemExit(f"the tests fail though nothing was changed; make them pass first:\n{outcome.output}")
