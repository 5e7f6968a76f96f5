"""What the step handler needs of Dagster's internals is there, in the version that it was checked with."""

from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pytest
from dagster_k8s.executor import K8sStepHandler

from legosigns_dagster.kubernetes import step_handler as ours
from legosigns_dagster_tests.support.step_jobs import step_handler

PRIVATE = ["_api_client", "_get_step_key", "_get_container_context", "_get_k8s_step_job_name"]


def test_it_was_checked_with_the_version_of_dagster_that_is_installed() -> None:
    versions = f"dagster {version('dagster')} and dagster-k8s {version('dagster-k8s')}"
    assert f"They were checked with {versions}." in str(ours.__doc__), (
        "Dagster was updated: compare dagster_k8s/executor.py with step_handler.py, run kubernetes/stand_in, and then "
        f"write {versions} into the docstring of step_handler.py"
    )


def test_the_executor_s_handler_is_ours_and_has_all_that_dagster_s_has(tmp_path: Path) -> None:
    handler = step_handler(tmp_path)
    assert type(handler) is ours.ExplainingStepHandler
    assert isinstance(handler, K8sStepHandler)
    assert [name for name in PRIVATE if not hasattr(handler, name)] == []


def test_another_executor_is_refused() -> None:
    class OtherExecutor(dg.Executor):
        def execute(self, *_: object) -> object:  # type: ignore[override]
            raise AssertionError

        @property
        def retries(self) -> object:  # type: ignore[override]
            raise AssertionError

    with pytest.raises(TypeError, match="expected dagster-k8s' executor, got OtherExecutor"):
        ours.add_explanations(OtherExecutor())
