from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.masks import mask_path
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.core.synthesis.validation import find_mask_mismatches
from legosigns_dagster_tests.support.logs import SILENT


@pytest.fixture
def synthetic(cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path) -> Dataset:
    settings = SynthesisSettings(images=6)
    return make_synthetic_set(settings, cutouts, backgrounds, annotated, tmp_path / "made", SILENT, 1)


def test_every_box_fits_its_pixels_and_a_moved_one_is_named(synthetic: Dataset) -> None:
    assert find_mask_mismatches(synthetic) == []
    boxes = synthetic.boxes
    moved = boxes.assign(left=boxes["left"] + 3, right=boxes["right"] + 3)
    assert len(find_mask_mismatches(replace(synthetic, boxes=moved))) == len(moved)


def test_an_image_with_too_few_boxes_is_named(synthetic: Dataset) -> None:
    first = synthetic.boxes["file"][0]
    count = int((synthetic.boxes["file"] == first).sum())
    offenders = find_mask_mismatches(replace(synthetic, boxes=synthetic.boxes.iloc[1:]))
    assert offenders == [f"{first}: {count - 1} boxes, {count} signs pasted"]


def test_an_image_without_a_mask_is_named(synthetic: Dataset) -> None:
    file = str(synthetic.images["file"][0])
    mask_path(synthetic.folder, file).unlink()
    assert find_mask_mismatches(synthetic) == [f"{file}: it has no mask"]
