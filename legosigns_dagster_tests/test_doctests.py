"""The examples in docstrings are run, and print what they say."""

import doctest
import importlib
from types import ModuleType

import numpy
import pytest

from legosigns_dagster_tests.support.environment import PACKAGE

MODULES = sorted(
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    for file in PACKAGE.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)
FEWEST = 15


def examples(module: ModuleType) -> list[doctest.DocTest]:
    """The docstrings of a module's own functions and classes that have an example."""
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_every_example_prints_what_it_says(name: str) -> None:
    module = importlib.import_module(name)
    assert examples(module)
    # Ultralytics changes how numpy prints, for the whole process; an example prints as a newcomer's Python does.
    with numpy.printoptions(formatter=None, linewidth=75):
        assert doctest.testmod(module).failed == 0


def test_the_functions_that_people_would_call_have_examples() -> None:
    found = {test.name for name in MODULES for test in examples(importlib.import_module(name))}
    assert len(found) >= FEWEST, sorted(found)
