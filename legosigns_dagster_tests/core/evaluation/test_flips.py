"""What flipped between two weights, and its pictures."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.evaluation.flips import GAINED, LOST, flips_of
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.report.flip_pictures import COLORS, picture_of, window_of
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


def told(part: SliceResults) -> list[tuple[str, str, str, float]]:
    return [(flip.image.file, flip.way, flip.what, flip.confidence) for flip in flips_of(part)]


def test_signs_that_only_one_of_the_weights_finds_are_flips_and_the_surest_come_first(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val", "val", "val")
    base = evaluation(dataset, (0, 0, 0.9), (1, 0, 0.7))
    new = evaluation(dataset, (0, 0, 0.9), (2, 1, 0.8))
    assert told(SliceResults("LEGO signs", dataset, base, new)) == [
        ("images/2.jpg", GAINED, "DangerAhead is found now", 0.8),
        ("images/1.jpg", LOST, "SpeedLimit is no longer found", 0.7),
    ]


def of_another_class(found: Evaluation) -> Evaluation:
    found.detections["class_id"] = 1
    return found


def test_a_sign_taken_for_another_class_is_a_false_alarm_and_not_found(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    right, wrong = evaluation(dataset, (0, 0, 0.9)), of_another_class(evaluation(dataset, (0, 0, 0.6)))
    assert told(SliceResults("LEGO signs", dataset, right, wrong)) == [
        ("images/0.jpg", LOST, "SpeedLimit is no longer found", 0.9),
        ("images/0.jpg", LOST, "new false alarm for DangerAhead", 0.6),
    ]
    assert told(SliceResults("LEGO signs", dataset, wrong, right)) == [
        ("images/0.jpg", GAINED, "SpeedLimit is found now", 0.9),
        ("images/0.jpg", GAINED, "no longer a false alarm for DangerAhead", 0.6),
    ]


def test_what_both_get_wrong_is_no_flip(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    one, other = (of_another_class(evaluation(dataset, (0, 0, sure))) for sure in (0.5, 0.9))
    assert told(SliceResults("LEGO signs", dataset, one, other)) == []


def test_truth_base_and_new_are_on_the_same_picture(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    base, new = evaluation(dataset, (0, 0, 0.9)), evaluation(dataset, (0, 1, 0.9))
    part = SliceResults("LEGO signs", dataset, base, new)
    pixels = np.asarray(Image.open(io.BytesIO(picture_of(flips_of(part)[0], part).jpeg)).convert("RGB")).astype(int)

    def has(color: str) -> bool:
        rgb = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
        return int((np.abs(pixels - rgb).max(axis=-1) < 40).sum()) > 50

    assert {name: has(color) for name, color in COLORS.items()} == {"truth": True, "base": True, "new": True}


@pytest.mark.parametrize(
    ("box", "window"),
    [
        pytest.param(PixelBox(300, 200, 340, 240), (220, 145, 420, 295), id="in the middle: five times its size"),
        pytest.param(PixelBox(0, 0, 10, 10), (0, 0, 160, 120), id="small and in a corner: the window is moved inside"),
        pytest.param(PixelBox(0, 0, 640, 480), (0, 0, 640, 480), id="as large as the image"),
    ],
)
def test_a_picture_shows_the_surroundings_of_the_sign(box: PixelBox, window: tuple[int, int, int, int]) -> None:
    assert window_of(box, (640, 480)) == window
