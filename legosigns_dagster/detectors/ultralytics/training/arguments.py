"""Our settings as Ultralytics' arguments. Each departure from its defaults has its reason beside it."""

from pathlib import Path

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.machine import usable_cores


def epochs_without_mosaic(settings: TrainingSettings, epochs: int) -> int:
    """Count the last epochs, of so many, that show each image by itself."""
    return epochs - round(settings.mosaic * epochs)


def training_arguments(
    data: Path, settings: TrainingSettings, runs: Path, has_gpu: bool, has_bf16: bool
) -> dict[str, object]:
    """Make Ultralytics' arguments for a fine-tuning that is gentle, offline and repeatable."""
    return {
        "data": str(data),
        "epochs": settings.epochs,
        "imgsz": settings.image_size,
        "batch": settings.batch,
        "seed": settings.seed,
        "freeze": settings.freeze or None,
        # 'auto' would ignore the learning rate.
        "optimizer": "AdamW",
        "lr0": settings.learning_rate,
        "lrf": 0.05,
        "cos_lr": True,
        "weight_decay": 0.0,
        # With an optimizer by name, biases would start at 0.1: two hundred times the learning rate.
        "warmup_bias_lr": 0.0,
        "warmup_epochs": 1.0,
        # One optimizer step a batch; by default gradients of 64 images are collected first.
        "nbs": settings.batch,
        # A mirrored 30 is no sign.
        "fliplr": 0.0,
        # It turns a box by its corners: the box around a turned sign comes out too large, which costs a part
        # of the old signs' mAP50-95. Synthetic signs are turned instead, with boxes from their pixels.
        "degrees": 0.0,
        # By default the last ten epochs are without mosaic, so that ten epochs have none.
        "close_mosaic": epochs_without_mosaic(settings, settings.epochs),
        "mosaic": 1.0 if settings.mosaic else 0.0,
        # True would download a model to check half precision with.
        "amp": "bf16" if has_bf16 else False,
        "plots": False,
        "verbose": False,
        "workers": min(usable_cores(), 8) if has_gpu else 0,
        "project": str(runs),
        "name": "train",
    }
