"""Cut-outs and plans for tests of the synthesis: drawn signs, and a scene with nothing random in it."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from legosigns_dagster.core.dataset.dataset import empty_table
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Canvas
from legosigns_dagster.core.synthesis.compositing import Sprite
from legosigns_dagster.core.synthesis.cutouts import FACE_COLUMNS, WARNING_COLUMNS, CutoutSet
from legosigns_dagster.core.synthesis.scene import CameraEffects, Paste, Scene
from legosigns_dagster_tests.support.builders import CLASSES

FACE = (10, 5, 110, 105)
SHAPES = {
    "disc": lambda pen: pen.ellipse((10, 5, 109, 104), fill="red"),
    "triangle": lambda pen: pen.polygon([(60, 5), (109, 104), (10, 104)], fill="red"),
    "diamond": lambda pen: pen.polygon([(60, 5), (109, 55), (60, 104), (10, 55)], fill="red"),
    "square": lambda pen: pen.rectangle((10, 5, 109, 104), fill="red"),
}


def draw_sign(shape: str, pole: bool = True, foot_px: int = 0, lean_px: int = 0) -> Image.Image:
    """A sign of 120x300 px whose face fills `FACE`."""
    image = Image.new("RGBA", (120, 300), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if pole:
        pen.line([(60, 60), (60 + lean_px, 290)], fill="black", width=16)
    if foot_px:
        pen.rectangle((60 - foot_px // 2, 275, 60 + foot_px // 2, 299), fill="black")
    SHAPES[shape](pen)
    return image


def draw_magenta_sign() -> Image.Image:
    """A magenta face of 100x100 px on a green pole with a foot as wide as the face; the face fills `FACE`."""
    image = Image.new("RGBA", (120, 300), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((52, 60, 67, 299), fill=(0, 255, 0, 255))
    pen.rectangle((10, 280, 109, 299), fill=(0, 255, 0, 255))
    pen.rectangle((10, 5, 109, 104), fill=(255, 0, 255, 255))
    return image


def make_cutouts(folder: Path) -> CutoutSet:
    """One magenta sign for each class."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for class_name in CLASSES.names:
        draw_magenta_sign().save(folder / "images" / f"{class_name}.png")
        rows.append([f"images/{class_name}.png", class_name, *map(float, FACE)])
    return CutoutSet(folder, CLASSES, pd.DataFrame(rows, columns=FACE_COLUMNS), empty_table(WARNING_COLUMNS))


SIZE = (320, 240)
GREY = Canvas(np.full((240, 320, 3), 128, np.uint8))
SPRITE = Sprite(np.asarray(draw_magenta_sign()), PixelBox(*FACE), 0)
PLAIN_PASTE = Paste(
    cutout=0,
    kind=None,
    size_px=40,
    center=(160, 90),
    tilt_degrees=0,
    yaw_degrees=0,
    corner_shifts=(0.0,) * 8,
    gain=1,
    gamma=1,
    tint=(1, 1, 1),
    light_match=0,
    blending="hard",
)
NO_EFFECTS = CameraEffects(
    motion_px=0, motion_degrees=0, noise=0, noise_seed=0, gain=1, jpeg_quality=95, defocus_px=0, color_cast=0
)
PLAIN_SCENE = Scene(
    number=0,
    on_annotated=False,
    background=0,
    zoom=1,
    shift=(0, 0),
    mirrored=False,
    pastes=(PLAIN_PASTE,),
    camera=NO_EFFECTS,
)
