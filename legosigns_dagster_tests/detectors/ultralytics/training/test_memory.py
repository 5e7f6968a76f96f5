"""What a training will take, and the batch that fits."""

from dataclasses import replace

import pytest

from legosigns_dagster.detectors.ultralytics.training.memory import MemoryPlan, fit_batch
from legosigns_dagster_tests.support.logs import RecordedLog

PLAN = MemoryPlan(resident_mib=700, parameters_mib=10, image_mib=100, usable_mib=8000)


@pytest.mark.parametrize(
    ("usable_mib", "batch"),
    [
        pytest.param(8000, 16, id="2990 of 4000 MiB: it fits"),
        pytest.param(5000, 8, id="half of the images fit"),
        pytest.param(1000, 1, id="nothing fits, and one image is tried"),
    ],
)
def test_the_batch_is_halved_until_it_takes_half_of_the_memory_at_most(usable_mib: float, batch: int) -> None:
    assert replace(PLAN, usable_mib=usable_mib).largest_batch(16) == batch


def test_the_expected_peak_is_logged_with_its_limit() -> None:
    assert PLAN.text(16) == "memory: expected peak 2990 MiB at batch 16; limit 4000 MiB (half of 8000 MiB)"


def test_a_batch_that_does_not_fit_is_halved_loudly() -> None:
    log = RecordedLog()
    assert fit_batch(replace(PLAN, usable_mib=5000), 16, log) == 8
    assert any(line.startswith("batch 16 would not fit into memory, it is now 8") for line in log.warnings)


def test_a_batch_that_fits_is_kept_without_a_warning() -> None:
    log = RecordedLog()
    assert fit_batch(PLAN, 16, log) == 16
    assert log.warnings == []
