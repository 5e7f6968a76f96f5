"""Scores of weights on the val images of both slices."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.evaluate_slices import evaluate_slices
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.slices import Slice


@dataclass(frozen=True)
class ValidationScorer:
    """Scores any number of weights on the same val images.

    Attributes:
        detector: Loads weights.
        images: The val images of each slice; one may have none.
        image_size: Longer side in pixels to which images are scaled.
    """

    detector: Detector
    images: Mapping[Slice, Dataset]
    image_size: int

    @property
    def has_classical_images(self) -> bool:
        """Whether anything can be known of what was forgotten."""
        classical = self.images.get(Slice.CLASSICAL)
        return classical is not None and len(classical.images) > 0

    def score(self, file: Path) -> Score:
        """Score a weights file."""
        return Score.from_matches(self.matches(file))

    def matches(self, file: Path) -> dict[Slice, Matches]:
        """Evaluate a weights file on each slice that has images."""
        found = evaluate_slices(self.detector, file, self.images, self.image_size)
        return {one: evaluation.matches for one, evaluation in found.items()}
