"""Two weights on the images of both slices."""

from collections.abc import Mapping
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector, EvaluationImages
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.slices import Slice


def evaluate_slices(
    detector: Detector, base: Weights, new: Weights, images: Mapping[Slice, Dataset], work: Path
) -> list[SliceResults]:
    """Evaluate both weights, at the image size of the new ones, on each slice that has images.

    `work` is an empty folder to evaluate in.
    """
    slices = []
    for one, dataset in images.items():
        if len(dataset.images):
            written = EvaluationImages.write(dataset, work / one.val_folder)
            before, after = (detector.evaluate(weights, written, new.image_size) for weights in (base, new))
            slices.append(SliceResults(one.title, dataset, before, after, one.headline))
    return slices
