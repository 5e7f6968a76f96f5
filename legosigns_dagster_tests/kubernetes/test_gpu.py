"""A pod that asked for a GPU and has none fails before it trains. A step that asked for none trains on CPUs."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster.assets.weights import model_weights
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.kubernetes.gpu import Pod
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD, devices
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset


def launchpad_settings(limits: dict[str, str]) -> dict[str, Any]:
    """Write a run's own settings of the training's pod, as in the Launchpad."""
    per_step = {"model_weights": {"container_config": {"resources": {"limits": limits}}}}
    return {"execution": {"config": {"per_step_k8s_config": per_step}}}


def test_the_training_asks_for_a_gpu_and_a_small_step_for_none() -> None:
    assert devices(model_weights.op.tags, {}, "model_weights") == {"nvidia.com/gpu": "1"}
    small = {name: json.dumps(value) for name, value in SMALL_POD.items()}
    assert devices(small, {}, "backgrounds") == {}


def test_a_run_s_own_pod_settings_replace_those_of_the_deployment() -> None:
    without = launchpad_settings({"cpu": "4", "memory": "8Gi"})
    assert devices(model_weights.op.tags, without, "model_weights") == {}


class TrainingStartedError(Exception):
    """The training has started."""


class Detector:
    """A detector that sees a GPU or not, and raises when it is asked for anything else."""

    def __init__(self, gpu: bool) -> None:
        self.gpu = gpu

    def sees_gpu(self) -> bool:
        return self.gpu

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):  # Dagster looks at what a resource is
            raise AttributeError(name)
        raise TrainingStartedError(name)


def constant_asset(name: str, value: object) -> dg.AssetsDefinition:
    """Make an asset with this value."""

    @dg.asset(name=name)
    def asset() -> Any:
        return value

    return asset


def start_training(kubernetes: bool, gpu: bool, folder: Path) -> None:
    """Run the training's step with small inputs, until it asks the detector for something."""
    dataset = make_dataset(folder / "dataset")
    (folder / "best.pt").touch()
    values = {"base_weights": Weights(folder, CLASSES, 64)} | dict.fromkeys(
        ["raw_annotations", "synthetic_set", "classical_signs"], dataset
    )
    inputs = [constant_asset(name, value) for name, value in values.items()]
    store = LocalStore(folder=str(folder / "store"))
    resources = {
        "io_manager": dg.mem_io_manager, "store": store, "scratch": Scratch(store=store),
        "pod": Pod(kubernetes=kubernetes), "detector": dg.ResourceDefinition.hardcoded_resource(Detector(gpu)),
    }  # fmt: skip
    dg.materialize([model_weights, *inputs], resources=resources)


def test_a_pod_without_the_gpu_it_asked_for_fails_before_it_trains(tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match="asked for 1 nvidia.com/gpu and PyTorch sees no GPU.*LEGOSIGNS_GPU_COUNT"):
        start_training(kubernetes=True, gpu=False, folder=tmp_path)


@pytest.mark.parametrize(("kubernetes", "gpu"), [(True, True), (False, False)], ids=["pod with a GPU", "laptop"])
def test_a_step_that_has_what_it_asked_for_trains(kubernetes: bool, gpu: bool, tmp_path: Path) -> None:
    with pytest.raises(TrainingStartedError):
        start_training(kubernetes, gpu, tmp_path)
