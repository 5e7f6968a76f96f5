"""Weights evaluated once on a dataset."""

import tempfile
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector, EvaluationImages
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import Evaluation


def evaluate_dataset(detector: Detector, weights: Weights, dataset: Dataset, image_size: int) -> Evaluation:
    """Evaluate weights once on all images of a dataset, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return detector.evaluate(weights, EvaluationImages.write(dataset, Path(folder)), image_size)
