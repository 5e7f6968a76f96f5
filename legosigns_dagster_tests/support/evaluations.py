"""Weights evaluated once on a dataset."""

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluate import evaluate
from legosigns_dagster.core.evaluation.evaluation import Evaluation


def evaluate_dataset(detector: Detector, weights: Weights, dataset: Dataset, image_size: int) -> Evaluation:
    """Evaluate weights once on all images of a dataset."""
    with detector.open_engine(weights.file) as engine:
        return evaluate(engine, dataset, image_size)
