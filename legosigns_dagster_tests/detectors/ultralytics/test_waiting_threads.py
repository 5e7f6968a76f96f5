"""How the threads of a training wait for each other, as OpenMP itself says when torch is loaded."""

import os
import re
import subprocess
import sys

import pytest

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
