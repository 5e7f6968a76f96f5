"""How many threads a training has, and how they wait for each other, as OpenMP itself says when torch is loaded."""

import os
import re
import subprocess
import sys

import pytest

from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster_tests.support.workplace import OPENMP

# The first use of torch in a pod's training; what a local training does first is tested with the whole job.
FIRST_USE = (
    "from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector; UltralyticsDetector().sees_gpu()"
)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("settings", "turns"),
    [
        pytest.param({}, "0", id="nothing is set: they leave their core to others at once"),
        pytest.param({"OMP_WAIT_POLICY": "ACTIVE"}, "30000000000", id="a policy that somebody set stays"),
    ],
)
def test_threads_that_wait_leave_their_core_to_others(settings: dict[str, str], turns: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment = kept | OPENMP | settings
    done = subprocess.run([sys.executable, "-c", FIRST_USE], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr) == [turns]


COUNT = """
from legosigns_dagster.detectors.ultralytics.detector import library
for _ in range(2):
    with library():
        from ultralytics.utils import torch_utils
        print(torch_utils.NUM_THREADS)
"""


@pytest.mark.torch
@pytest.mark.parametrize(
    ("settings", "threads"),
    [
        pytest.param({}, usable_cores(), id="nothing is set: one for each core"),
        pytest.param({"OMP_NUM_THREADS": "1"}, 1, id="as many as somebody set"),
    ],
)
def test_every_training_of_a_process_has_a_thread_for_each_core_that_it_may_use(
    settings: dict[str, str], threads: int
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run([sys.executable, "-c", COUNT], env=kept | settings, capture_output=True, text=True)
    assert done.stdout.split() == [str(threads)] * 2, done.stderr
