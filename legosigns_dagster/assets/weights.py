"""Step 3, the weights: what the model learned."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pandas as pd

from legosigns_dagster.assets.metadata import DIGITS, picture, table, versioned
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.report.charts import curves_picture
from legosigns_dagster.core.training.fine_tuning import Bench, fine_tune
from legosigns_dagster.core.training.training_data import TrainingData
from legosigns_dagster.kubernetes.gpu import Pod
from legosigns_dagster.kubernetes.pod_specs import GPU_POD, devices, retries
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import Store


class TrainingConfig(dg.Config, TrainingSettings):
    """The training's settings, as a form in Dagster's Launchpad."""


@contextmanager
def hopeless_errors() -> Iterator[None]:
    """What another try would meet again ends the step at once: bad input, a loss that becomes no number."""
    try:
        yield
    except (ValueError, FloatingPointError, FileNotFoundError) as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


@dg.asset(
    group_name="weights", kinds={"pytorch", "onnx"}, op_tags=GPU_POD, pool="gpu", retry_policy=retries(os.environ)
)
def model_weights(
    context: dg.AssetExecutionContext,
    config: TrainingConfig,
    store: dg.ResourceParam[Store],
    scratch: Scratch,
    pod: Pod,
    detector: dg.ResourceParam[Detector],
    base_weights: Weights,
    raw_annotations: Dataset,
    synthetic_set: Dataset,
    classical_signs: Dataset,
) -> Iterator[dg.Output[Weights]]:
    """The base weights, trained further on the new signs while rehearsing the old ones.

    A training that was killed goes on after its last finished epoch, in this run or another one with the same inputs.
    """
    pod.require_gpu(
        devices(context.op_execution_context.op_def.tags, context.run.run_config, "model_weights"), detector.sees_gpu
    )
    data = TrainingData(raw_annotations, synthetic_set, classical_signs)
    parts = {"raw_annotations": raw_annotations, "synthetic_set": synthetic_set, "classical_signs": classical_signs}
    versions = {name: folder_digest(index_folder(part.folder))[:DIGITS] for name, part in parts.items()}
    settings = TrainingSettings(**{name: getattr(config, name) for name in TrainingSettings.model_fields})
    uploads = store.training_uploads(context.run_id, scratch.folder("uploads"), context.log)
    with hopeless_errors(), uploads:
        folders = scratch.folder("training"), scratch.folder("model_weights")
        bench = Bench(*folders, context.log, uploads.on_epoch_end, uploads.checkpoints)
        weights = fine_tune(detector, base_weights, data, settings, versions, bench)
    yield versioned(weights, training_metadata(weights))
    uploads.remove_checkpoints()  # only now: the weights are in the store


def training_metadata(weights: Weights) -> dict[str, Any]:
    """Curves, the mixtures that were tried, and how the training went."""
    curves = pd.read_csv(weights.folder / "results.csv", skipinitialspace=True)
    metadata = {
        "epochs": len(curves),
        "curves": picture(curves_picture(curves).encode(), "training curves", "svg+xml"),
        "results": table(curves),
        **(weights.about or {}),
    }
    mixtures: Any = (weights.trained_on or {}).get("mixtures")
    if mixtures:
        *tried, chosen = mixtures
        metadata |= {"alpha": chosen["alpha"], "mixtures": table(pd.DataFrame(tried))}
    return metadata
