"""Whether two engines answer alike for one model: numbers by numbers, or only detection by detection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from legosigns_dagster.core.inference.contract import BOX_ROWS
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import Tensor

LOWEST_SCORE = 0.05  # of what is compared: below it nobody looks
MOST_BOX_PX, MOST_SCORE = 0.01, 1e-4
MARGIN = 0.05  # around a threshold, where a detection may come or go
LEAST_IOU = 0.95


@dataclass(frozen=True)
class OutputParity:
    """How far the outputs of two engines are apart, where a score is over 0.05.

    Attributes:
        box_px: The largest difference of a box's centre, width or height, in pixels of the input.
        score: The largest difference of a score, 0 to 1.
        image: The image with the worst of both; empty where all are equal.
        anchors: How many anchors were compared.
    """

    box_px: float
    score: float
    image: str
    anchors: int

    @property
    def is_kept(self) -> bool:
        """Whether both differences are small enough."""
        return self.box_px <= MOST_BOX_PX and self.score <= MOST_SCORE

    def sentence(self, engine: str) -> str:
        """Say it with the figures and the limits."""
        where = f" (worst: {self.image})" if self.image else ""
        return (
            f"{engine}: boxes differ by {self.box_px:.2g} px, scores by {self.score:.2g}{where}; allowed are "
            f"{MOST_BOX_PX} px and {MOST_SCORE:g}; {self.anchors} boxes compared"
        )


@dataclass(frozen=True)
class DetectionParity:
    """Whether two engines detect the same signs.

    Attributes:
        lowest_iou: Of the detections that both have, 0 to 1; 1 where there are none.
        image: The image with the lowest IoU; empty where there are no detections.
        missing: Each detection that only one engine has, with its image.
        detections: How many of the first engine's were compared.
    """

    lowest_iou: float
    image: str
    missing: tuple[str, ...]
    detections: int

    @property
    def is_kept(self) -> bool:
        """Whether nothing is missing, and all boxes lie on each other."""
        return not self.missing and self.lowest_iou >= LEAST_IOU

    def sentence(self, engine: str) -> str:
        """Say it with the figures and the limit."""
        lost = f"; only one has {'; '.join(self.missing[:5])}" if self.missing else ""
        where = f" (worst: {self.image})" if self.image else ""
        return (
            f"{engine}: {self.detections} detections compared, lowest IoU {self.lowest_iou:.3f}{where}, at least "
            f"{LEAST_IOU} is required{lost}"
        )


def compare_outputs(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> OutputParity:
    """Compare the outputs of two engines, of shape (1, 4 + classes, anchors), by image.

    Raises:
        ValueError: Both have not answered for the same images with outputs of the same shape.
    """
    if expected.keys() != found.keys():
        raise ValueError(f"answers to {sorted(expected)} and to {sorted(found)}: expected the same images")
    worst_box, worst_score, image, share, anchors = 0.0, 0.0, "", 0.0, 0
    for name, output in expected.items():
        if output.shape != found[name].shape:
            raise ValueError(f"{name}: answers of shape {list(output.shape)} and {list(found[name].shape)}")
        either = np.maximum(output, found[name])[0, BOX_ROWS:].max(axis=0) > LOWEST_SCORE
        gaps = np.abs(output - found[name])[0][:, either]
        if not np.isfinite(found[name]).all():
            raise ValueError(f"{name}: an engine answered numbers that are not finite")
        if gaps.size:
            box, score = float(gaps[:BOX_ROWS].max()), float(gaps[BOX_ROWS:].max())
            if max(box / MOST_BOX_PX, score / MOST_SCORE) > share:
                share, image = max(box / MOST_BOX_PX, score / MOST_SCORE), name
            worst_box, worst_score, anchors = max(worst_box, box), max(worst_score, score), anchors + gaps.shape[1]
    return OutputParity(worst_box, worst_score, image, anchors)


def worst_output(parities: Sequence[OutputParity]) -> OutputParity:
    """Take the largest differences of several comparisons, and the image of the worst one."""
    worst = max(parities, key=lambda one: max(one.box_px / MOST_BOX_PX, one.score / MOST_SCORE), default=None)
    return OutputParity(
        max((one.box_px for one in parities), default=0.0),
        max((one.score for one in parities), default=0.0),
        worst.image if worst else "",
        sum(one.anchors for one in parities),
    )


def compare_detections(
    expected: Mapping[str, Sequence[Detection]],
    found: Mapping[str, Sequence[Detection]],
    thresholds: Sequence[float],
) -> DetectionParity:
    """Compare the detections of two engines by image. What one has within 0.05 of its threshold, the other may lack.

    Args:
        expected: The first engine's detections, down to 0.05 below the thresholds.
        found: The second engine's, down to 0.05 below the thresholds.
        thresholds: Lowest confidence of each class.
    """
    lowest, image, missing, count = 1.0, "", [], 0
    for name in sorted({*expected, *found}):
        sides = {"the first": expected.get(name, ()), "the second": found.get(name, ())}
        for side, other in (("the first", "the second"), ("the second", "the first")):
            for one in sides[side]:
                if one.confidence < thresholds[one.class_id] + MARGIN:
                    continue
                count += side == "the first"
                iou = max((one.box.iou(o.box) for o in sides[other] if o.class_id == one.class_id), default=0.0)
                if iou < 0.5:
                    missing.append(f"{name}: class {one.class_id} at {one.confidence:.2f}, {side} engine's")
                elif iou < lowest or not image:
                    lowest, image = min(iou, lowest), name
    return DetectionParity(lowest, image, tuple(missing), count)
