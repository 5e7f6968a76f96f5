"""Other people's trackers that are installed beside the project stay off, unless a variable asks for one."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.detectors.ultralytics.training.trackers import INTEGRATIONS, PLATFORM, run_callback

# In the place of the real ones, whose dependencies fit no other environment: each says when it is imported or called.
PACKAGES = ("clearml", "comet_ml", "dvclive", "mlflow", "neptune", "ray", "tensorboard", "wandb")
MLFLOW = f"{INTEGRATIONS}mlflow"
FAKE = """
__version__ = "99"
print("{name} is imported")
def __getattr__(name):
    def call(*arguments, **named):
        print("{name}." + name, *arguments)
        return None
    return call
"""
# Ultralytics itself decides by this class's name, and keeps its trackers off where pytest is loaded.
TRAINING = """
from legosigns_dagster.detectors.ultralytics.detector import library
with library():
    from ultralytics.utils.callbacks.base import add_integration_callbacks, get_default_callbacks
    class FineTuningDetectionTrainer:
        callbacks = get_default_callbacks()
    add_integration_callbacks(FineTuningDetectionTrainer)
    trainer = FineTuningDetectionTrainer()
    add_integration_callbacks(trainer)
    print("to mlflow:", any("mlflow" in c.__module__ for cs in trainer.callbacks.values() for c in cs))
"""


@pytest.mark.torch
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({}, ["to mlflow: False"], id="nothing is set"),
        pytest.param(
            {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}, ["mlflow is imported", "to mlflow: True"], id="MLflow"
        ),
    ],
)
def test_a_tracker_is_used_only_where_a_variable_asks_for_it(
    settings: dict[str, str], said: list[str], tmp_path: Path
) -> None:
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FAKE.format(name=name), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MLFLOW_"))}
    environment = kept | settings | {"PYTHONPATH": str(tmp_path), "YOLO_CONFIG_DIR": str(tmp_path / "settings")}
    done = subprocess.run([sys.executable, "-c", TRAINING], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith((*PACKAGES, "to mlflow"))] == said


def test_a_training_is_not_sent_to_ultralytics_platform() -> None:
    called = []

    def callback(trainer: str) -> None:
        """One of ours."""
        called.append(f"callback of {trainer}")

    def sends(trainer: str) -> None:
        """One of theirs."""
        called.append(f"{trainer} is sent")

    sends.__module__ = PLATFORM
    for one in (callback, sends):
        run_callback(one, "a training")
    assert called == ["callback of a training"]


def test_a_tracker_that_waits_for_its_server_changes_no_image_of_the_training() -> None:
    """MLflow's client draws a random pause before it tries again."""

    def asks_again(trainer: str) -> None:
        random.random()
        np.random.rand()

    asks_again.__module__ = MLFLOW
    random.seed(3)
    np.random.seed(3)
    drawn = (random.random(), np.random.rand())
    random.seed(3)
    np.random.seed(3)
    run_callback(asks_again, "a training")
    assert (random.random(), np.random.rand()) == drawn
