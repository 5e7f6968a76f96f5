"""Synthetic images: cut-outs pasted into scenes, with boxes measured on the pasted pixels.

Chance and pixels are kept apart: `synthesis_plan` draws every number, `synthesis_paint` does what the plan says.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.near_duplicates import perceptual_hash
from legosigns_dagster.core.dataset.splits import NEAR_BITS
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.images import open_upright
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.progress import Log, track_progress
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import Cutout, CutoutSet
from legosigns_dagster.core.synthesis.distractors import draw_distractor
from legosigns_dagster.core.synthesis.plan import Paste, Supply, plan_scene, sizes_of
from legosigns_dagster.core.synthesis.settings import SynthesisSettings

FITS_IOU = 0.95  # a box is the bounds of its pixels: anything less is a mistake


@dataclass(frozen=True)
class Studio:
    """What every image is made from, and the folder it is made in."""

    settings: SynthesisSettings
    supply: Supply
    cutouts: tuple[Cutout, ...]
    cutouts_set: CutoutSet
    backgrounds: tuple[Path, ...]
    annotated: tuple[tuple[Path, tuple[LabeledBox, ...]], ...]
    folder: Path

    def make(self, number: int) -> LabeledImage:
        """Paint image number `number`, write it and its mask, and answer its row of the dataset."""
        from legosigns_dagster.core.synthesis import compositing as painting  # loads OpenCV
        from legosigns_dagster.core.synthesis.canvas import Ground

        scene = plan_scene(self.settings, self.supply, number)
        file, signs = self.annotated[scene.background] if scene.annotated else (self.backgrounds[scene.background], ())
        with open_upright(file) as image:
            ground = Ground(np.asarray(image.convert("RGB")), signs)
        size_wh, classes = self.supply.size_wh, self.cutouts_set.classes

        def sprite_of(paste: Paste) -> painting.Sprite:
            if paste.kind:
                return painting.Sprite(*draw_distractor(paste.kind), -1)
            cutout = self.cutouts[paste.cutout]
            class_id = classes.class_id(cutout.class_name) if cutout.class_name else -1
            return painting.Sprite(read_rgba(cutout.file), cutout.face, class_id)

        painted = painting.paint(scene, ground, sprite_of, size_wh, self.settings.min_visible)
        name = f"synthetic-{number:05d}"
        target = self.folder / "images" / f"{name}.jpg"
        Image.fromarray(painted.rgb).save(target, quality=scene.jpeg_quality)
        Image.fromarray(painted.owners).save(self.folder / "masks" / f"{name}.png", optimize=True)
        found = painting.boxes_of(painted.owners, len(painted.class_ids))
        boxes = tuple(LabeledBox(c, box) for c, box in zip(painted.class_ids, found, strict=True))
        return LabeledImage(f"images/{name}.jpg", file_sha256(target), size_wh, boxes, TRAIN, name, "synthetic")


@lru_cache(maxsize=64)
def read_rgba(file: Path) -> "np.typing.NDArray[np.uint8]":
    """A cut-out's pixels, shape (height, width, 4); kept, since every image needs them again."""
    return np.asarray(open_upright(file).convert("RGBA"))


def usable_backgrounds(backgrounds: Backgrounds, real: Dataset, log: Log) -> tuple[Path, ...]:
    """The backgrounds that are no near-duplicate of a val or test image; ValueError when none remains."""
    held_out = [perceptual_hash(real.folder / str(file)) for file in real.part("val", "test").images["file"]]
    files = [backgrounds.folder / str(file) for file in backgrounds.images["file"]]
    hashes = {file: perceptual_hash(file) for file in files}
    kept = tuple(f for f in files if all((hashes[f] ^ other).bit_count() > NEAR_BITS for other in held_out))
    if len(kept) < len(files):
        log.info(f"{len(files) - len(kept)} backgrounds look like a val or test image: left out")
    if not kept:
        raise ValueError(f"all {len(files)} backgrounds look like val or test images of raw_annotations: add others")
    return kept


def supply_of(cutouts: CutoutSet, backgrounds: int, real: Dataset) -> Supply:
    """What the plans may choose from; ValueError that names a class without a cut-out."""
    named = [cutout.class_name for cutout in cutouts]
    by_class = tuple(tuple(n for n, name in enumerate(named) if name == c) for c in cutouts.classes.names)
    missing = [c for c, numbers in zip(cutouts.classes.names, by_class, strict=True) if not numbers]
    if missing:
        raise ValueError(f"no cut-out of {', '.join(missing)}: add one to sign_cutouts and its labels.json")
    size_wh, _ = Counter(image.size_wh for image in real).most_common(1)[0]
    boxes = [(b.box.width, b.box.height, *image.size_wh) for image in real.part(TRAIN) for b in image.boxes]
    distractors = tuple(number for number, name in enumerate(named) if not name)
    return Supply(by_class, distractors, backgrounds, len(real.part(TRAIN).images), sizes_of(boxes), size_wh)


def make_synthetic_set(
    settings: SynthesisSettings,
    cutouts: CutoutSet,
    backgrounds: Backgrounds,
    real: Dataset,
    into: Path,
    log: Log,
    workers: int = 0,
) -> Dataset:
    """Synthetic images, train only, in folder `into`; the bytes do not depend on `workers` (0: all usable cores).

    Beside each image lies a mask in `masks/`, whose pixels are k where the face of the image's box number k shows.
    """
    usable = usable_backgrounds(backgrounds, real, log)
    supply = supply_of(cutouts, len(usable), real)
    for folder in ("images", "masks"):
        (into / folder).mkdir(parents=True, exist_ok=True)
    annotated = tuple((real.folder / image.file, image.boxes) for image in real.part(TRAIN))
    studio = Studio(settings, supply, tuple(cutouts), cutouts, usable, annotated, into)
    # Threads are enough: OpenCV, NumPy and Pillow let go of the interpreter while they work on pixels.
    with ThreadPoolExecutor(workers or usable_cores()) as pool:
        made = pool.map(studio.make, range(settings.images))
        images = list(track_progress(made, settings.images, "synthetic images", log))
    return Dataset.from_images(into, cutouts.classes, images)


def find_misfits(dataset: Dataset, min_iou: float = FITS_IOU) -> list[str]:
    """Boxes that do not surround the pixels that were pasted for them, as the masks tell; and masks without a box."""
    from legosigns_dagster.core.synthesis.compositing import boxes_of

    offenders = []
    for image in dataset:
        mask = dataset.folder / "masks" / f"{Path(image.file).stem}.png"
        if not mask.is_file():
            offenders.append(f"{image.file}: it has no mask")
            continue
        owners = np.asarray(Image.open(mask))
        if owners.max() != len(image.boxes):
            offenders.append(f"{image.file}: {len(image.boxes)} boxes, {owners.max()} signs pasted")
            continue
        for number, box in enumerate(boxes_of(owners, len(image.boxes))):
            iou = box.iou(image.boxes[number].box)
            if iou < min_iou:
                offenders.append(f"{image.file}, box {number + 1}: IoU {iou:.2f} with its pixels")
    return offenders
