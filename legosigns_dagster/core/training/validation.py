"""Scores of weights on the val images of both slices."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector, EvaluationImages
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.files import link_or_copy


@dataclass(frozen=True)
class ValidationScorer:
    """Scores any number of weights on the same val images, which are written once.

    Attributes:
        detector: Evaluates weights.
        images: The val images of each slice that has any.
        image_size: Longer side in pixels to which images are scaled.
        work: A folder for temporary files.
    """

    detector: Detector
    images: Mapping[Slice, EvaluationImages]
    image_size: int
    work: Path

    @classmethod
    def write(cls, detector: Detector, val: Mapping[Slice, Dataset], image_size: int, work: Path) -> "ValidationScorer":
        """Write the val images of each slice into a new folder `work`."""
        images = {
            one: EvaluationImages.write(dataset, work / one.val_folder)
            for one, dataset in val.items()
            if len(dataset.images)
        }
        work.mkdir(exist_ok=True)
        return cls(detector, images, image_size, work)

    @property
    def has_classical_images(self) -> bool:
        """Whether anything can be known of what was forgotten."""
        return Slice.CLASSICAL in self.images

    def score(self, file: Path, classes: SignClasses) -> Score:
        """Score a weights file."""
        return Score.from_matches(self.matches(file, classes))

    def matches(self, file: Path, classes: SignClasses) -> dict[Slice, Matches]:
        """Evaluate a weights file on each slice that has images."""
        with tempfile.TemporaryDirectory(dir=self.work) as name:
            folder = Path(name)
            link_or_copy(file, folder / "best.pt")
            weights = Weights(folder, classes, self.image_size)
            return {
                one: self.detector.evaluate(weights, images, self.image_size).matches
                for one, images in self.images.items()
            }
