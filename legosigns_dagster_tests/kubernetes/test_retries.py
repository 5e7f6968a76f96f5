"""A step whose pod is lost is tried again. A step that would fail with the same error is not."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from legosigns_dagster.assets.weights import non_retryable_errors
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.kubernetes.pod_specs import retries
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import LocalStore


def count_tries(error: Exception) -> int:
    """Count how often a step is tried that ends with this error."""
    count = 0

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def step() -> None:
        nonlocal count
        count += 1
        with non_retryable_errors():
            raise error

    @dg.job
    def training() -> None:
        step()

    done = training.execute_in_process(raise_on_error=False)
    assert not done.success
    return count


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ValueError("image_size is 100"), 1, id="bad input"),
        pytest.param(FloatingPointError("the loss became nan"), 1, id="a loss that is no number"),
        pytest.param(FileNotFoundError("no such file"), 1, id="a file that is missing"),
        pytest.param(ConnectionError("the store does not answer"), 3, id="a store that does not answer"),
    ],
)
def test_an_error_that_a_retry_cannot_fix_is_not_tried_again(error: Exception, expected: int) -> None:
    assert count_tries(error) == expected


def test_a_step_whose_upstream_was_never_made_is_not_tried_again(tmp_path: Path) -> None:
    store = LocalStore(folder=str(tmp_path))
    resources = {"io_manager": FolderIOManager(store=store, scratch=Scratch(store=store))}

    @dg.asset
    def base_weights() -> Weights:
        raise AssertionError("it is not selected")

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    def trained(base_weights: Weights) -> Weights:
        raise AssertionError("it has nothing to begin with")

    both = [base_weights, trained]
    done = dg.materialize(both, selection=[trained], resources=resources, raise_on_error=False)
    (failed,) = done.get_step_failure_events()
    assert "no version of base_weights that is current" in str(failed.step_failure_data.user_failure_data)
    assert not [event for event in done.all_events if event.is_step_up_for_retry]


def test_a_step_whose_pod_is_lost_is_tried_again_after_growing_pauses() -> None:
    policy = retries({"LEGOSIGNS_DEPLOYMENT": "kubernetes"})
    assert policy
    assert [policy.calculate_delay(attempt) for attempt in range(1, policy.max_retries + 1)] == [30, 90, 210, 450]


def test_every_step_with_a_gpu_is_tried_again_when_its_pod_is_lost() -> None:
    code = """
from legosigns_dagster.assets.report import comparison_report
from legosigns_dagster.assets.weights import model_weights
print([step.op.retry_policy.max_retries for step in (model_weights, comparison_report)])
"""
    environment = {"PATH": "/usr/bin:/bin", "LEGOSIGNS_DEPLOYMENT": "kubernetes"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[4, 4]\n"


@pytest.mark.parametrize("environment", [{}, {"LEGOSIGNS_DEPLOYMENT": "local"}])
def test_a_laptop_tries_no_step_again(environment: dict[str, str]) -> None:
    assert retries(environment) is None
