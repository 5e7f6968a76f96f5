"""One training, as a detector is given it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.detector.checkpoints import Checkpoints
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.slices import Slice


def ignore_epoch(_: Path) -> None:
    """Do nothing after an epoch."""


@dataclass(frozen=True)
class TrainingJob:
    """What to learn from, how, and what to do after each epoch.

    Attributes:
        data_yaml: YOLO `data.yaml`; its folder is the training's own, and may be written to.
        slices: Slice of each val image, by its folder and name, as in `val-lego/a.jpg`.
        class_count: Number of classes.
        settings: The settings, with an image size in pixels.
        base_score: Score of the base weights on the val images.
        deadline: When epochs must have ended, in seconds of `time.monotonic`.
        on_epoch_end: Called after each epoch with a folder that holds `best.pt` and `results.csv` so far. The folder
            is removed afterwards: move what has to last.
        checkpoints: Where the state after each epoch is kept; None where the training cannot be resumed.
        key: What the training is called there (see `training_key`).
    """

    data_yaml: Path
    slices: Mapping[str, Slice]
    class_count: int
    settings: TrainingSettings
    base_score: Score
    deadline: float = math.inf
    on_epoch_end: Callable[[Path], None] = ignore_epoch
    checkpoints: Checkpoints | None = None
    key: str = ""

    @property
    def folder(self) -> Path:
        """The training's own folder."""
        return self.data_yaml.parent
