"""Step 3, the weights: what the model learned."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dagster as dg
import pandas as pd

from legosigns_dagster.assets.check_result import WARN, check_result, check_specs, for_step
from legosigns_dagster.assets.lineage import known_origins
from legosigns_dagster.assets.metadata import versioned
from legosigns_dagster.assets.page import Page, drawing
from legosigns_dagster.assets.renamed_settings import refuse_old_names
from legosigns_dagster.assets.settings import SettingsForm, plain_settings
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.settings import RENAMED_SETTINGS, TrainingSettings
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.files import explain_full_disk
from legosigns_dagster.core.report.charts import curves_picture
from legosigns_dagster.core.training.fine_tuning import TrainingWorkspace, fine_tune
from legosigns_dagster.core.training.repeats import leave_out_repeats
from legosigns_dagster.core.training.training_data import TrainingData
from legosigns_dagster.kubernetes.gpu import Pod
from legosigns_dagster.kubernetes.gpu_pool import GPU_POOL
from legosigns_dagster.kubernetes.pod_specs import GPU_POD, devices, retries
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import Store


@refuse_old_names(**RENAMED_SETTINGS)
class TrainingConfig(SettingsForm, TrainingSettings):
    """The training's settings, as a form in Dagster's Launchpad."""


# Of the base weights' size, which are stored in 16 bits: the last and the best epoch with their optimizer, and three
# copies of the training's state.
TRAINING_SPACE = 32


@contextmanager
def non_retryable_errors() -> Iterator[None]:
    """Errors that a retry cannot fix (bad input, a loss that is NaN) fail the step without retries."""
    try:
        yield
    except (ValueError, FloatingPointError, FileNotFoundError) as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def repeats_result(sentences: Sequence[str]) -> dg.AssetCheckResult:
    """Make the result of the check that no train image repeats a val or test image of any set.

    A repeat is a warning: it was left out of the training.
    """
    more = f" and {len(sentences) - 3} more" if len(sentences) > 3 else ""
    text = f"left out of the training: {'; '.join(sentences[:3])}{more}: remove them from train, or from val"
    description = text if sentences else "no train image repeats a val or test image"
    return check_result("model_weights", "no_val_image_in_train", sentences, not sentences, description, WARN)


@dg.asset(
    group_name="weights",
    kinds={"pytorch", "onnx"},
    op_tags=GPU_POD,
    pool=GPU_POOL,
    retry_policy=retries(os.environ),
    check_specs=check_specs(
        "model_weights",
        blocking=False,
        no_val_image_in_train="No train image of any set repeats a val or test image of another. One that does is left "
        "out.",
    ),
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
) -> Iterator[dg.Output[Weights] | dg.AssetCheckResult]:
    """The base weights, trained further on the new signs while replaying the old ones.

    A training that was interrupted is resumed after its last finished epoch, in this run or in another one with the
    same inputs.
    """
    pod.require_gpu(
        devices(context.op_execution_context.op_def.tags, context.run.run_config, "model_weights"), detector.sees_gpu
    )
    origins = known_origins(
        store.snapshots(), "synthetic_set", synthetic_set, synthetic_set.made_from, ("raw_annotations",)
    )
    repeats = leave_out_repeats(
        TrainingData(raw_annotations, replace(synthetic_set, made_from=origins), classical_signs)
    )
    if repeats.sentences:
        context.log.warning(f"{len(repeats.sentences)} train images are not used: {'; '.join(repeats.sentences[:3])}")
    settings = plain_settings(config, TrainingSettings)
    training = scratch.folder("training")
    with (
        non_retryable_errors(),
        explain_full_disk(training, TRAINING_SPACE * base_weights.file.stat().st_size),
        store.training_uploads(context.run.run_id, scratch.folder("uploads"), context.log) as uploads,
    ):
        workspace = TrainingWorkspace(
            training, scratch.folder("model_weights"), context.log, uploads.on_epoch_end,
            uploads.checkpoints,
        )  # fmt: skip
        weights = fine_tune(detector, base_weights, repeats.data, settings, workspace)
    yield versioned(weights, training_page(weights).entries())
    yield for_step(repeats_result(repeats.sentences))
    uploads.remove_checkpoints()  # only now: the weights are in the store


def training_page(weights: Weights) -> Page:
    """Curves, how the training went, the interpolated weights that were tried, and the settings."""
    curves = pd.read_csv(weights.folder / "results.csv", skipinitialspace=True)
    facts: dict[str, Any] = {"epochs": len(curves)}
    tables, settings = {}, {}
    if record := weights.record:
        settings = record.settings.model_dump()
        if record.selection:
            facts["alpha"] = record.selection.selected.alpha
            tables = {"candidates": pd.DataFrame([one.as_dict() for one in record.selection.candidates])}
        facts |= record.run.as_dict()
    return Page(drawing(curves_picture(curves), "training curves"), facts, tables, settings)
