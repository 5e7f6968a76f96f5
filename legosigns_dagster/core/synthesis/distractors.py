"""Drawn signs of none of the known classes: what the detector must learn to ignore."""

import math
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.geometry import PixelBox

DistractorKind = Literal["stop", "no entry", "blue disc", "blue square", "yellow plate", "lights"]
KINDS: tuple[DistractorKind, ...] = get_args(DistractorKind)
FACE_PX = 200
HEIGHT_PX = 520  # face and pole
HALF_POLE_PX = 18


def regular_polygon(corners: int, radius: float, angle: float) -> list[tuple[float, float]]:
    """Corners of a regular polygon around the middle of the face, in pixels; `angle` of the first one in radians."""
    angles = [angle + 2 * math.pi * number / corners for number in range(corners)]
    return [(FACE_PX / 2 + radius * math.cos(angle), FACE_PX / 2 + radius * math.sin(angle)) for angle in angles]


def draw_text(pen: ImageDraw.ImageDraw, text: str, size_px: int, color: str) -> None:
    """Draw text in the middle of the face."""
    pen.text((FACE_PX / 2, FACE_PX / 2), text, fill=color, font=ImageFont.load_default(size_px), anchor="mm")


def draw_face(pen: ImageDraw.ImageDraw, kind: DistractorKind) -> None:
    """Draw the face of a kind into the upper `FACE_PX` by `FACE_PX` pixels."""
    whole = (2, 2, FACE_PX - 2, FACE_PX - 2)
    if kind == "stop":
        pen.polygon(regular_polygon(8, FACE_PX / 2 - 2, math.pi / 8), fill="#c8102e", outline="white", width=6)
        draw_text(pen, "STOP", 62, "white")
    elif kind == "no entry":
        pen.ellipse(whole, fill="#c8102e", outline="#f4f4f4", width=5)
        pen.rectangle((36, 82, FACE_PX - 36, 118), fill="white")
    elif kind == "blue disc":
        pen.ellipse(whole, fill="#0b57a4", outline="#f4f4f4", width=5)
        pen.polygon([(100, 40), (150, 100), (115, 100), (115, 160), (85, 160), (85, 100), (50, 100)], fill="white")
    elif kind == "blue square":
        pen.rounded_rectangle(whole, 14, fill="#0b57a4", outline="#f4f4f4", width=5)
        draw_text(pen, "P", 150, "white")
    elif kind == "yellow plate":
        pen.polygon(regular_polygon(4, FACE_PX / 2 - 2, 0), fill="#f2c200", outline="#f4f4f4", width=14)
    else:
        pen.rounded_rectangle((60, 2, 140, FACE_PX - 2), 16, fill="#d9b310")
        for row, color in enumerate(("#c8102e", "#e0a000", "#1a8f3c")):
            pen.ellipse((74, 12 + row * 60, 126, 64 + row * 60), fill=color)


def draw_distractor(kind: DistractorKind) -> tuple[npt.NDArray[np.uint8], PixelBox]:
    """Draw a distractor on a pole.

    Returns:
        RGBA pixels of shape (height, width, 4), and the box of the face in pixels.
    """
    image = Image.new("RGBA", (FACE_PX, HEIGHT_PX), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    middle = FACE_PX / 2
    pen.rectangle((middle - HALF_POLE_PX, middle, middle + HALF_POLE_PX, HEIGHT_PX), fill="#1b1b1d")
    draw_face(pen, kind)
    return np.asarray(image), PixelBox(0, 0, FACE_PX, FACE_PX)
