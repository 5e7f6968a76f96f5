"""What the pipeline asks of a detector, whoever makes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import Lesson
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.progress import Log


class Detector(Protocol):
    """Reads weights, trains them further, and says what they find."""

    def sees_gpu(self) -> bool:
        """Whether there is a GPU to train on."""

    def read(self, file: Path) -> tuple[SignClasses, int]:
        """The classes of a weights file and the image size in pixels it was trained at.

        ValueError that names the file when it is not a detector's.
        """

    def sees_sign(self, weights: Weights, images: Sequence[Path]) -> list[bool]:
        """For each image whether the weights find any sign in it with a confidence of at least 0.25."""

    def fine_tune(self, base: Weights, lesson: Lesson, settings: TrainingSettings, into: Path, log: Log) -> int:
        """Train `base` further on a lesson and put best.pt and results.csv (a row an epoch) into `into`.

        The number of epochs that an interrupted training had finished already, and from which this one went on.
        FloatingPointError where the loss becomes no number.
        """

    def mix(self, base: Weights, trained: Path, alpha: float, into: Path) -> None:
        """Write to file `into` the weights that lie `alpha` (0 to 1) of the way from the base to the trained ones."""

    def export(self, weights: Path, image_size: int, into: Path) -> None:
        """Write the weights to file `into` as ONNX, for images of this size."""

    def evaluate(self, weights: Weights, dataset: Dataset, image_size: int, work: Path) -> Evaluation:
        """The metrics and detections of the weights on all images of a dataset; `work` is an empty folder."""
