"""A pytest plugin that writes which test files run which lines of the package, and how long each takes.

It writes JSON to the file that `LINES_BY_TEST` names. A line that is run while a module is imported has no test file.
"""

import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import coverage
import pytest

VARIABLE = "LINES_BY_TEST"
PACKAGE = Path("legosigns_dagster").resolve()

# Started before a test imports the package; kept in memory.
measured = coverage.Coverage(data_file=None, include=[f"{PACKAGE}/*"])
measured.start()
seconds: dict[str, float] = defaultdict(float)
left_out: set[str] = set()


def pytest_runtest_logstart(nodeid: str) -> None:
    """What runs from now on is run by this test's file, its fixtures included."""
    measured.switch_context(nodeid.partition("::")[0])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a test's time to its file's."""
    seconds[report.nodeid.partition("::")[0]] += report.duration


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember the files that have tests which did not run."""
    left_out.update(item.nodeid.partition("::")[0] for item in items)


def pytest_sessionfinish() -> None:
    """Write what was seen."""
    measured.stop()
    data = measured.get_data()
    files = {name: data.contexts_by_lineno(name) for name in data.measured_files()}
    lines = {os.path.relpath(name, PACKAGE.parent): {str(n): [t for t in tests if t] for n, tests in by.items()}
             for name, by in files.items()}  # fmt: skip
    found = {"lines": lines, "seconds": seconds, "left_out": sorted(left_out)}
    Path(os.environ[VARIABLE]).write_text(json.dumps(found), encoding="utf-8")
