"""What a training will take, and the batch that fits."""

from dataclasses import replace

import pytest

from legosigns_dagster.detectors.ultralytics.memory import MemoryPlan, fitting_batch
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
    assert replace(PLAN, usable_mib=usable_mib).fitting(16) == batch


def test_the_peak_is_told_with_what_is_allowed() -> None:
    assert "about 2990 MiB at the peak with batch 16; half of the 8000 MiB" in PLAN.text(16)


def test_a_batch_that_does_not_fit_is_halved_loudly() -> None:
    log = RecordedLog()
    assert fitting_batch(replace(PLAN, usable_mib=5000), 16, log) == 8
    assert any(line.startswith("batch 16 would not fit, it is 8 now") for line in log.warnings)


def test_a_batch_that_fits_is_kept_without_a_warning() -> None:
    log = RecordedLog()
    assert fitting_batch(PLAN, 16, log) == 16
    assert log.warnings == []
