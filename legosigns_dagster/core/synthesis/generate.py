"""Make a dataset of synthetic images: plan each image, render it, write it with its mask, and measure its boxes."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.near_duplicates import perceptual_hash
from legosigns_dagster.core.dataset.splits import NEAR_BITS
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images.stored_image import open_opaque, open_upright
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.progress import Log, track_progress
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import Cutout, CutoutSet
from legosigns_dagster.core.synthesis.distractors import draw_distractor
from legosigns_dagster.core.synthesis.masks import boxes_from_mask, mask_path
from legosigns_dagster.core.synthesis.plan import SamplingPool, plan_scene
from legosigns_dagster.core.synthesis.scene import Paste, Scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings

if TYPE_CHECKING:  # these load OpenCV, which Dagster's definitions must not
    from legosigns_dagster.core.synthesis.canvas import Canvas
    from legosigns_dagster.core.synthesis.compositing import Sprite


@dataclass(frozen=True)
class SceneRenderer:
    """Makes one synthetic image after the other from the same sources.

    Attributes:
        settings: The settings of the synthesis.
        pool: What a plan may choose from, by number.
        cutouts: The cut-outs, by their numbers.
        classes: The classes of the dataset.
        backgrounds: The backgrounds' files, by their numbers.
        annotated: File and boxes (in pixels) of the annotated train images, by their numbers.
        folder: The folder of the dataset; it has the folders `images` and `masks`.
    """

    settings: SynthesisSettings
    pool: SamplingPool
    cutouts: tuple[Cutout, ...]
    classes: SignClasses
    backgrounds: tuple[Path, ...]
    annotated: tuple[tuple[Path, tuple[LabeledBox, ...]], ...]
    folder: Path

    def render(self, number: int) -> LabeledImage:
        """Make image number `number`, write it and its mask, and return its row of the dataset."""
        from legosigns_dagster.core.synthesis.compositing import render_scene  # loads OpenCV

        scene, size_wh = plan_scene(self.settings, self.pool, number), self.pool.image_wh
        rendered = render_scene(scene, self.load_canvas(scene), self.load_sprite, size_wh, self.settings.min_visible)
        name = f"synthetic-{number:05d}"
        image_file = f"images/{name}.jpg"
        target = self.folder / image_file
        Image.fromarray(rendered.rgb).save(target, quality=scene.camera.jpeg_quality)
        Image.fromarray(rendered.instance_mask).save(mask_path(self.folder, image_file), optimize=True)
        measured = boxes_from_mask(rendered.instance_mask, len(rendered.class_ids))
        boxes = tuple(LabeledBox(c, box) for c, box in zip(rendered.class_ids, measured, strict=True))
        return LabeledImage(image_file, file_sha256(target), size_wh, boxes, TRAIN, name, "synthetic")

    def load_canvas(self, scene: Scene) -> "Canvas":
        """Load the background or the annotated image that a scene names."""
        from legosigns_dagster.core.synthesis.canvas import Canvas  # loads OpenCV

        number = scene.background
        file, boxes = self.annotated[number] if scene.on_annotated else (self.backgrounds[number], ())
        with open_opaque(file) as image:
            return Canvas(np.asarray(image.convert("RGB")), boxes)

    def load_sprite(self, paste: Paste) -> "Sprite":
        """Load the cut-out of a paste, or draw its distractor."""
        from legosigns_dagster.core.synthesis.compositing import Sprite  # loads OpenCV

        if paste.kind:
            return Sprite(*draw_distractor(paste.kind), -1)
        cutout = self.cutouts[paste.cutout]
        class_id = self.classes.class_id(cutout.class_name) if cutout.class_name else -1
        return Sprite(read_rgba(cutout.file), cutout.face, class_id)


@lru_cache(maxsize=64)
def read_rgba(file: Path) -> npt.NDArray[np.uint8]:
    """Read a cut-out's pixels, shape (height, width, 4). They are cached, since every image needs them again."""
    return np.asarray(open_upright(file).convert("RGBA"))


def usable_backgrounds(backgrounds: Backgrounds, annotated: Dataset, log: Log) -> tuple[Path, ...]:
    """The files of the backgrounds that are no near-duplicate of a val or test image.

    Raises:
        ValueError: None remains.
    """
    held_out = [perceptual_hash(annotated.folder / str(file)) for file in annotated.part("val", "test").images["file"]]
    files = [backgrounds.folder / str(file) for file in backgrounds.images["file"]]
    hashes = {file: perceptual_hash(file) for file in files}
    usable = tuple(f for f in files if all((hashes[f] ^ other).bit_count() > NEAR_BITS for other in held_out))
    if len(usable) < len(files):
        log.info(f"{len(files) - len(usable)} backgrounds look like a val or test image: left out")
    if not usable:
        raise ValueError(f"all {len(files)} backgrounds look like val or test images of raw_annotations: add others")
    return usable


def relative_size(box: PixelBox, image_wh: tuple[int, int]) -> float:
    """The square root of a box's share of its image's area, 0 to 1.

    Example:
        >>> relative_size(PixelBox(10, 10, 42, 34), image_wh=(320, 240))
        0.1
    """
    return math.sqrt(box.width * box.height / (image_wh[0] * image_wh[1]))


def build_sampling_pool(cutouts: CutoutSet, background_count: int, annotated: Dataset) -> SamplingPool:
    """Collect what the plans may choose from. The images get the most frequent size of the annotated ones.

    Raises:
        ValueError: A class has no cut-out.
    """
    class_names = [cutout.class_name for cutout in cutouts]
    by_class = tuple(tuple(n for n, name in enumerate(class_names) if name == c) for c in cutouts.classes.names)
    missing = [c for c, numbers in zip(cutouts.classes.names, by_class, strict=True) if not numbers]
    if missing:
        raise ValueError(f"no cut-out of {', '.join(missing)}: add one to sign_cutouts and its labels.json")
    image_wh, _ = Counter(image.size_wh for image in annotated).most_common(1)[0]
    train = list(annotated.part(TRAIN))
    return SamplingPool(
        cutouts_by_class=by_class,
        distractors=tuple(number for number, name in enumerate(class_names) if not name),
        background_count=background_count,
        annotated_count=len(train),
        relative_sizes=tuple(relative_size(sign.box, image.size_wh) for image in train for sign in image.boxes),
        image_wh=image_wh,
    )


def make_synthetic_set(
    settings: SynthesisSettings,
    cutouts: CutoutSet,
    backgrounds: Backgrounds,
    annotated: Dataset,
    into: Path,
    log: Log,
    workers: int = 0,
) -> Dataset:
    """Make a dataset of synthetic images in folder `into`, all in the split train.

    Each image has an instance mask in `masks/`: a pixel is k where the face of box number k, from 1, is visible.

    Args:
        settings: How many images, and how they look.
        cutouts: The signs to paste; each class needs one.
        backgrounds: Images without a sign.
        annotated: Raw_annotations: train images may be pasted onto, and their boxes give the sizes.
        into: The folder of the dataset.
        log: Gets the progress.
        workers: Number of threads, 0 for all usable cores. The bytes do not depend on it.

    Raises:
        ValueError: The cut-outs have other classes, a class has no cut-out, or every background looks like a val or
            test image.
    """
    annotated.classes.require(cutouts.classes, "sign_cutouts")
    usable = usable_backgrounds(backgrounds, annotated, log)
    pool = build_sampling_pool(cutouts, len(usable), annotated)
    for folder in ("images", "masks"):
        (into / folder).mkdir(parents=True, exist_ok=True)
    train = tuple((annotated.folder / image.file, image.boxes) for image in annotated.part(TRAIN))
    renderer = SceneRenderer(settings, pool, tuple(cutouts), cutouts.classes, usable, train, into)
    # Threads are enough: OpenCV, NumPy and Pillow release the interpreter lock while they work on pixels.
    with ThreadPoolExecutor(workers or usable_cores()) as threads:
        rendered = threads.map(renderer.render, range(settings.images))
        images = list(track_progress(rendered, settings.images, "synthetic images", log))
    return Dataset.from_images(into, cutouts.classes, images)
