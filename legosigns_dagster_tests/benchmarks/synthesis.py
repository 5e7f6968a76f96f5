"""Speed of the synthesis and fit of its boxes: `python -m legosigns_dagster_tests.benchmarks.synthesis`.

Speed: one thread beside all cores. Fit: the boxes in the manifest beside the naive way, which scales the cut-out's box
to the paste's size and centre and knows nothing of rotation, perspective, overlap and the image's edge; both against
the bounds of the pixels that show. Where several pastes could be meant, the naive way gets the best.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster.core.synthesis.generate import build_sampling_pool, make_synthetic_set
from legosigns_dagster.core.synthesis.masks import mask_path
from legosigns_dagster.core.synthesis.plan import plan_scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.sample import FOLDER
from legosigns_dagster_tests.support.logs import SILENT

CLASSES = SignClasses(("SpeedLimit", "DangerAhead"))
SETTINGS = SynthesisSettings(images=120)


def naive_boxes(number: int, cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset) -> list[PixelBox]:
    """The naive boxes of all pastes of an image."""
    faces = [cutout.face for cutout in cutouts]
    boxes = []
    for paste in plan_scene(SETTINGS, build_sampling_pool(cutouts, len(backgrounds), annotated), number).pastes:
        if paste.kind:
            continue
        ratio = (faces[paste.cutout].width / faces[paste.cutout].height) ** 0.5
        half_wh, (x, y) = (paste.size_px * ratio / 2, paste.size_px / ratio / 2), paste.center
        boxes.append(PixelBox(x - half_wh[0], y - half_wh[1], x + half_wh[0], y + half_wh[1]))
    return boxes


def visible_bounds(dataset: Dataset, image: LabeledImage) -> list[PixelBox]:
    """The bounds of the pixels that show, found in the mask by Pillow."""
    with Image.open(mask_path(dataset.folder, image.file)) as mask:
        parts = [
            mask.point([255 * (value == number + 1) for value in range(256)]) for number in range(len(image.boxes))
        ]
    bounds = [part.getbbox() for part in parts]
    return [PixelBox(*map(float, box)) for box in bounds if box]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("cutouts", "backgrounds", "annotated", "one", "all"):
            (work / name).mkdir()
        cutouts = read_cutouts(FOLDER / "sign-cutouts", CLASSES, work / "cutouts", SILENT)
        backgrounds = read_backgrounds(FOLDER / "backgrounds", lambda f: [False] * len(f), work / "backgrounds", SILENT)
        annotated = read_yolo(FOLDER / "classical-signs", CLASSES, work / "annotated", "classical", SILENT)
        print(f"{'threads':>7} {'images/s':>9} {'ratio':>6}  digest")
        first = 0.0
        for name, threads in (("one", 1), ("all", usable_cores())):
            start = time.perf_counter()
            made = make_synthetic_set(SETTINGS, cutouts, backgrounds, annotated, work / name, SILENT, threads)
            rate = SETTINGS.images / (time.perf_counter() - start)
            first = first or rate
            print(f"{threads:7} {rate:9.1f} {rate / first:6.2f}  {folder_digest(index_folder(work / name))[:12]}")
        ours, naive = [], []
        for number, image in enumerate(made):
            guesses = naive_boxes(number, cutouts, backgrounds, annotated)
            for label, truth in zip(image.boxes, visible_bounds(made, image), strict=True):
                ours.append(label.box.iou(truth))
                naive.append(max(guess.iou(truth) for guess in guesses))
        print(f"\n{'boxes':14} {'mean IoU':>9} {'5 % below':>10} {'worst':>6}   ({len(ours)} boxes)")
        for name, values in (("measured", ours), ("naive", naive)):
            print(f"{name:14} {np.mean(values):9.3f} {np.quantile(values, 0.05):10.3f} {min(values):6.3f}")


if __name__ == "__main__":
    main()
