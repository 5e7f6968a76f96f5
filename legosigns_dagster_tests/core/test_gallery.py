"""Images with boxes drawn on them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from legosigns_dagster.core.comparison import Slice
from legosigns_dagster.core.dataset import Dataset
from legosigns_dagster.core.gallery import contact_sheet, strips_of
from legosigns_dagster_tests.builders import evaluation, make_dataset

GREEN = np.array([0, 200, 83])  # the first class's colour


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_the_images_on_which_the_weights_differ_most_come_first(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val", "val", "val")
    base = evaluation(dataset, (0, 0, 0.9), (1, 0, 0.9))
    new = evaluation(dataset, (0, 0, 0.9), (0, 1, 0.9), (2, 0, 0.9), (2, 1, 0.9))
    strips = strips_of(Slice("LEGO signs", dataset, base, new), 3)
    assert [(s.file, s.gained, s.lost) for s in strips] == [("2.jpg", 2, 0), ("0.jpg", 1, 0), ("1.jpg", 0, 1)]


def test_a_box_of_another_class_does_not_count_as_found(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    new = evaluation(dataset, (0, 0, 0.9))
    new.detections["class_id"] = 1
    strip = strips_of(Slice("LEGO signs", dataset, evaluation(dataset), new), 1)[0]
    assert (strip.gained, strip.lost) == (0, 0)


def test_a_strip_shows_truth_base_and_new_with_their_own_boxes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    part = Slice("LEGO signs", dataset, evaluation(dataset), evaluation(dataset, (0, 0, 0.9)))
    strip = opened(strips_of(part, 1, panel_px=400)[0].jpeg)
    assert strip.width == 3 * 400 + 8
    pixels = np.asarray(strip.convert("RGB")).astype(int)
    # The left edge of the first box, 4 px of 64, is at 25 px of 400; away from its text.
    edges = [pixels[100:140, start + 24 : start + 28] for start in (0, 404, 808)]
    has_box = [bool((np.abs(edge - GREEN).max(axis=-1) < 60).any(axis=1).all()) for edge in edges]
    assert has_box == [True, False, True]


def test_a_contact_sheet_stays_small_enough_for_metadata(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *["train"] * 20)
    sheet = contact_sheet(dataset, 12, 960)
    assert len(sheet) <= 90_000
    assert opened(sheet).size == (960, 3 * 180)


def test_an_empty_dataset_has_an_empty_sheet(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "train")
    nothing = Dataset.of(tmp_path, dataset.classes, [])
    assert opened(contact_sheet(nothing, 12, 960)).width == 960
