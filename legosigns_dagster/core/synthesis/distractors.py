"""Drawn things that look like signs and are none of the known classes: what the detector must learn to leave alone."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.geometry import PixelBox

SIZE = 200
POLE = 18
HEIGHT = 520
KINDS = ("stop", "no entry", "blue disc", "blue square", "yellow plate", "lights")


def polygon(corners: int, radius: float, turn: float) -> list[tuple[float, float]]:
    """Corners of a regular polygon in the middle of the face, in pixels."""
    angles = [turn + 2 * math.pi * number / corners for number in range(corners)]
    return [(SIZE / 2 + radius * math.cos(angle), SIZE / 2 + radius * math.sin(angle)) for angle in angles]


def written(pen: ImageDraw.ImageDraw, text: str, size: int, color: str) -> None:
    """Text in the middle of the face."""
    pen.text((SIZE / 2, SIZE / 2), text, fill=color, font=ImageFont.load_default(size), anchor="mm")


def draw_face(pen: ImageDraw.ImageDraw, kind: str) -> None:
    """The face of a kind, in the upper `SIZE` by `SIZE` pixels."""
    whole = (2, 2, SIZE - 2, SIZE - 2)
    if kind == "stop":
        pen.polygon(polygon(8, SIZE / 2 - 2, math.pi / 8), fill="#c8102e", outline="white", width=6)
        written(pen, "STOP", 62, "white")
    elif kind == "no entry":
        pen.ellipse(whole, fill="#c8102e", outline="#f4f4f4", width=5)
        pen.rectangle((36, 82, SIZE - 36, 118), fill="white")
    elif kind == "blue disc":
        pen.ellipse(whole, fill="#0b57a4", outline="#f4f4f4", width=5)
        pen.polygon([(100, 40), (150, 100), (115, 100), (115, 160), (85, 160), (85, 100), (50, 100)], fill="white")
    elif kind == "blue square":
        pen.rounded_rectangle(whole, 14, fill="#0b57a4", outline="#f4f4f4", width=5)
        written(pen, "P", 150, "white")
    elif kind == "yellow plate":
        pen.polygon(polygon(4, SIZE / 2 - 2, 0), fill="#f2c200", outline="#f4f4f4", width=14)
    else:
        pen.rounded_rectangle((60, 2, 140, SIZE - 2), 16, fill="#d9b310")
        for row, color in enumerate(("#c8102e", "#e0a000", "#1a8f3c")):
            pen.ellipse((74, 12 + row * 60, 126, 64 + row * 60), fill=color)


def draw_distractor(kind: str) -> tuple[npt.NDArray[np.uint8], PixelBox]:
    """Pixels of shape (height, width, 4), RGBA, with a pole, and the face in pixels."""
    image = Image.new("RGBA", (SIZE, HEIGHT), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((SIZE / 2 - POLE, SIZE / 2, SIZE / 2 + POLE, HEIGHT), fill="#1b1b1d")
    draw_face(pen, kind)
    return np.asarray(image), PixelBox(0, 0, SIZE, SIZE)
