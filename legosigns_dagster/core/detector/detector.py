"""What the pipeline asks of a detector, whoever makes it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Engine
from legosigns_dagster.core.progress import Log


class Detector(Protocol):
    """Reads weights, trains them further, and finds signs with them."""

    def sees_gpu(self) -> bool:
        """Tell whether there is a GPU to train on."""

    def read(self, file: Path) -> tuple[SignClasses, int]:
        """Read a weights file's classes and the image size in pixels that it was trained at.

        Raises:
            ValueError: Names the file when it is not a detector's, or one that cannot be trained further, and says why.
        """

    def image_size_step(self, weights: Weights) -> int:
        """Tell of what number the image sizes must be multiples that these weights take, in pixels."""

    def sees_sign(self, weights: Weights, images: Sequence[Path]) -> list[bool]:
        """Tell for each image whether any sign is found in it with a confidence of at least 0.25."""

    def fine_tune(self, base: Weights, job: TrainingJob, into: Path, log: Log) -> int:
        """Train `base` further and write `best.pt` and `results.csv` (a row an epoch) into folder `into`.

        Returns:
            The number of epochs that an interrupted training had finished already, 0 for a new one.

        Raises:
            FloatingPointError: When the loss is NaN or infinite.
        """

    def interpolate(self, base: Weights, trained: Path, alpha: float, into: Path) -> None:
        """Write to file `into` the weights (1 - alpha) * base + alpha * trained; alpha is 0 to 1."""

    def export(self, weights: Path, size: int, thresholds: Sequence[float], into: Path) -> ModelContract:
        """Write a weights file as ONNX to file `into`, with its contract in the file's metadata.

        Args:
            weights: The weights file.
            size: Width and height in pixels of the model's input.
            thresholds: Advised lowest confidence of each class.
            into: The file to write.
        """

    def open_engine(self, weights: Path) -> AbstractContextManager[Engine]:
        """Load a weights file, to be asked about tensors of shape (1, 3, size, size) with values from 0 to 1.

        An answer is what the exported model gives: of shape (1, 4 + classes, anchors), before any suppression.
        """
