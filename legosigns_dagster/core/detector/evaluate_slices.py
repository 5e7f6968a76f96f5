"""Weights on the images of both slices."""

from collections.abc import Mapping
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.evaluate import evaluate
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.evaluation.slices import Slice


def evaluate_slices(
    detector: Detector, weights: Path, images: Mapping[Slice, Dataset], image_size: int
) -> dict[Slice, Evaluation]:
    """Evaluate a weights file on each slice that has images, at an image size in pixels.

    Raises:
        ValueError: The weights give no detections of these classes, or numbers that are not finite.
    """
    present = {one: dataset for one, dataset in images.items() if len(dataset.images)}
    with detector.open_engine(weights) as engine:
        try:
            return {one: evaluate(engine, dataset, image_size) for one, dataset in present.items()}
        except ValueError as error:
            raise ValueError(f"{weights} cannot be evaluated: {error}") from error


def evaluate_both(
    detector: Detector, base: Weights, new: Weights, images: Mapping[Slice, Dataset]
) -> list[SliceResults]:
    """Evaluate two weights, at the image size of the new ones, on each slice that has images."""
    before, after = (evaluate_slices(detector, one.file, images, new.image_size) for one in (base, new))
    return [SliceResults(one.title, images[one], before[one], after[one], one.headline) for one in before]
