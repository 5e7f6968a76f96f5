"""Answers of two engines are compared where somebody would look."""

import numpy as np
import pytest

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.release.parity import compare_detections, compare_outputs


def output(*anchors: tuple[float, float, float]) -> Tensor:
    """An output with two classes; of each anchor the centre's x and both scores."""
    return np.array([[[x, 5, 10, 10, a, b] for x, a, b in anchors]], np.float32).transpose(0, 2, 1)


SURE, FAINT = (50.0, 0.9, 0.0), (20.0, 0.01, 0.049)


def test_equal_answers_are_equal() -> None:
    parity = compare_outputs({"a.jpg": output(SURE, FAINT)}, {"a.jpg": output(SURE, FAINT)})
    assert (parity.box_px, parity.score, parity.image, parity.anchors, parity.is_kept) == (0, 0, "", 1, True)


@pytest.mark.parametrize(
    ("other", "is_kept"),
    [((50.009, 0.9, 0.0), True), ((50.02, 0.9, 0.0), False), ((50.0, 0.90005, 0.0), True), ((50.0, 0.9002, 0.0), False),
     ((50.0, 0.9, 0.0002), False), ((50.0, 0.0, 0.0), False)],
)  # fmt: skip
def test_a_difference_over_the_limit_is_found_with_its_image(other: tuple[float, float, float], is_kept: bool) -> None:
    same = output(SURE)
    parity = compare_outputs({"a.jpg": same, "b.jpg": output(SURE)}, {"a.jpg": same, "b.jpg": output(other)})
    assert (parity.is_kept, parity.image) == (is_kept, "b.jpg")
    assert "worst: b.jpg" in parity.sentence("onnxruntime")


def test_anchors_without_a_score_over_0_05_in_either_answer_do_not_count() -> None:
    assert compare_outputs({"a": output(FAINT)}, {"a": output((300.0, 0.0, 0.0))}).is_kept
    assert not compare_outputs({"a": output(FAINT)}, {"a": output((20.0, 0.01, 0.06))}).is_kept


def test_answers_to_other_images_of_another_shape_or_not_finite_are_errors() -> None:
    with pytest.raises(ValueError, match="expected the same images"):
        compare_outputs({"a": output(SURE)}, {"b": output(SURE)})
    with pytest.raises(ValueError, match="a: answers of shape"):
        compare_outputs({"a": output(SURE)}, {"a": output(SURE, SURE)})
    with pytest.raises(ValueError, match="a: an engine answered numbers that are not finite"):
        compare_outputs({"a": output(SURE)}, {"a": output((float("nan"), 0.9, 0.0))})


def sign(confidence: float, left: float = 0.0, class_id: int = 0) -> Detection:
    return Detection(class_id, confidence, PixelBox(left, 0, left + 100, 100))


@pytest.mark.parametrize(
    ("found", "missing", "is_kept"),
    {
        "the same": ([sign(0.9)], 0, True),
        "a box 2 px aside": ([sign(0.8, left=2)], 0, True),
        "a box 4 px aside": ([sign(0.9, left=4)], 0, False),
        "none": ([], 1, False),
        "another class": ([sign(0.9, class_id=1)], 2, False),
        "one more, sure": ([sign(0.9), sign(0.31, left=400)], 1, False),
        "one more, near the threshold": ([sign(0.9), sign(0.29, left=400)], 0, True),
    }.values(),
)
def test_detections_are_the_same_but_for_those_near_the_threshold(
    found: list[Detection], missing: int, is_kept: bool
) -> None:
    parity = compare_detections({"a.jpg": [sign(0.9)]}, {"a.jpg": found}, (0.25, 0.25))
    assert (len(parity.missing), parity.is_kept, parity.detections) == (missing, is_kept, 1)
    assert all(line.startswith("a.jpg: class") for line in parity.missing)


def test_a_detection_that_the_other_has_just_below_the_threshold_is_there() -> None:
    assert compare_detections({"a": [sign(0.31)]}, {"a": [sign(0.21)]}, (0.25,)).is_kept
