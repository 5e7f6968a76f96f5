"""`make test-fast`: a pytest plugin that leaves out every test that loads torch or starts a server.

Most of them are recognised: a module by what it imports, a test by the fixtures that it uses. All others carry a mark:
`@pytest.mark.torch` or `@pytest.mark.server`. Nobody has to keep these lists up to date: a test that is not left out
and loads torch or starts a server all the same fails, with the advice to mark it.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = "legosigns_dagster_tests"
MARKS = ("torch", "server")
# What a module imports that needs one of them, as the start of a dotted name.
IMPORTS = (
    "torch",
    "ultralytics",
    "legosigns_dagster.detectors",
    f"{TESTS}.support.servers.seaweedfs",
    f"{TESTS}.support.servers.label_studio",
    f"{TESTS}.support.postgresql.postgresql",
    f"{TESTS}.support.triton.triton",
    f"{TESTS}.support.served_models.serve",
    f"{TESTS}.support.cluster.server.run_cluster",
    f"{TESTS}.support.cluster.deployed_release.deploy_release",
    f"{TESTS}.support.workplace.Workplace",
    f"{TESTS}.support.browser.chromium",
)
# What a test uses that needs one of them; fixtures that use these fixtures are found too.
FIXTURES = {"s3_server", "labels_server", "laptop", "exported", "workshop_model", "model_server"}
# What no test starts that is not left out.
PROGRAMS = {
    "chromium",
    "weed",
    "label-studio",
    "initdb",
    "postgres",
    "tritonserver",
    "dagster",
    "dagster-webserver",
    "dagster-daemon",
}
ADVICE = "a test that is not left out of `make test-fast`: give it the mark"


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_left_out(file: Path) -> bool:
    """Whether a test module imports what loads torch or starts a server."""
    return any(f"{name}.".startswith(f"{start}.") for name in imported(file) for start in IMPORTS)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Do not even import a module that may load torch."""
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if is_test and is_left_out(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests by their fixtures and marks."""
    out = [item for item in items if needs_a_server(item) or any(map(item.get_closest_marker, MARKS))]
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)


def needs_a_server(item: pytest.Item) -> bool:
    """Whether a test uses a fixture that starts a server, however indirectly, or is given "s3" to start one by.

    What is given "s3://bucket/a.jpg" only reads it.
    """
    given = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    by_parameter = any(isinstance(value, str) and re.match(r"s3(?!://)", value, re.IGNORECASE) for value in given)
    return by_parameter or bool(FIXTURES & set(getattr(item, "fixturenames", ())))


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise where this process loads torch or starts one of the programs; Python calls it for every such event."""
    if event == "import" and arguments[0] in ("torch", "ultralytics"):
        raise AssertionError(f"{arguments[0]} is loaded by {ADVICE} torch")
    if event == "subprocess.Popen" and isinstance(arguments[1], list | tuple):
        started = {Path(os.fsdecode(word)).name for word in arguments[1][:3]} & PROGRAMS
        if started:
            raise AssertionError(f"{min(started)} is started by {ADVICE} server")


sys.addaudithook(refuse)
