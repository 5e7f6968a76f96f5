"""What weights detect in one image."""

from PIL import Image

from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluate import complete_contract, detect
from legosigns_dagster.core.inference.detection import Detection


def detect_signs(detector: Detector, weights: Weights, image: Image.Image) -> list[Detection]:
    """Find the signs in an image at the size at which the weights were trained, with a confidence of at least 0.25.

    Raises:
        ValueError: The weights give no detections of their classes, or numbers that are not finite.
    """
    with detector.open_engine(weights.file) as engine:
        try:
            contract = complete_contract(engine, weights.classes, weights.image_size)
            return detect(engine, image, contract, contract.thresholds)
        except ValueError as error:
            raise ValueError(f"{weights.file} finds no signs in an image: {error}") from error
