"""The sample's signs, drawn large on a transparent background: face, pole and foot.

Most functions here make a function that draws one face with a given pen.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Pixels
from legosigns_dagster.sample.symbols import FACE_PX, SCALE, Pen, draw_symbol

Points = list[tuple[float, float]]


def draw_sign(draw_face: Callable[[Pen], None], pole: str, pole_px: int, foot_px: int) -> tuple[Pixels, PixelBox]:
    """Draw a face on a pole with a foot; a foot of 0 px is none.

    Returns:
        RGBA pixels of shape (height, width, 4), and the box of the face in pixels.
    """
    height = round(FACE_PX * 2.4)
    image = Image.new("RGBA", (FACE_PX * SCALE, height * SCALE), (0, 0, 0, 0))
    pen, middle = ImageDraw.Draw(image), FACE_PX * SCALE / 2
    half, foot = pole_px * SCALE / 2, foot_px * SCALE / 2
    pen.rectangle((middle - half, middle, middle + half, height * SCALE - 9), fill=pole)
    if foot_px:
        pen.rounded_rectangle((middle - foot, (height - 16) * SCALE, middle + foot, height * SCALE - 4), 12, fill=pole)
    draw_face(pen)
    small = image.resize((FACE_PX, height), Image.Resampling.LANCZOS)
    rgba = np.asarray(small)
    rows, columns = np.nonzero(rgba[:FACE_PX, :, 3] > 127)
    lowest = lowest_face_row(draw_face)
    face = PixelBox(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(lowest))
    return rgba, face


def lowest_face_row(draw_face: Callable[[Pen], None]) -> int:
    """Find the row after the last one of the face alone, without its pole."""
    image = Image.new("RGBA", (FACE_PX * SCALE, FACE_PX * SCALE), (0, 0, 0, 0))
    draw_face(ImageDraw.Draw(image))
    alpha = np.asarray(image.resize((FACE_PX, FACE_PX), Image.Resampling.LANCZOS))[..., 3]
    return int(np.nonzero(alpha > 127)[0].max()) + 1


def disc(ring: str, ring_px: int, text: str, fill: str = "white", ink: str = "#111111") -> Callable[[Pen], None]:
    """A disc with a ring of this width and digits."""

    def draw(pen: Pen) -> None:
        edge = FACE_PX * SCALE - 3
        pen.ellipse((2, 2, edge, edge), fill=ring)
        inset = ring_px * SCALE
        pen.ellipse((inset, inset, edge - inset, edge - inset), fill=fill)
        size = {1: 110, 2: 92, 3: 66}[len(text)] * SCALE
        middle = FACE_PX * SCALE / 2
        font = ImageFont.load_default(size)
        pen.text((middle, middle), text, fill=ink, font=font, anchor="mm", stroke_width=SCALE, stroke_fill=ink)

    return draw


def triangle_corners(inset: float) -> Points:
    """Corners of a triangle standing on its base, `inset` pixels inside of the face."""
    size, depth = FACE_PX * SCALE, inset * SCALE
    top, bottom = size * 0.06 + depth * 2, size * 0.94 - depth
    return [(size / 2, top), (size - 4 - depth * 1.75, bottom), (4 + depth * 1.75, bottom)]


def triangle(edge: str, inner: str, fill: str, symbol: str, edge_px: int, inner_px: int) -> Callable[[Pen], None]:
    """A triangle with an edge, a line inside of it, and a symbol."""

    def draw(pen: Pen) -> None:
        pen.polygon(triangle_corners(0), fill=edge)
        pen.polygon(triangle_corners(edge_px), fill=inner)
        pen.polygon(triangle_corners(edge_px + inner_px), fill=fill)
        draw_symbol(pen, symbol)

    return draw


def octagon(color: str, text: str) -> Callable[[Pen], None]:
    """An eight-cornered sign with white letters."""

    def draw(pen: Pen) -> None:
        middle, radius = FACE_PX * SCALE / 2, FACE_PX * SCALE / 2 - 3
        angles = [math.pi / 8 + math.pi / 4 * number for number in range(8)]
        pen.polygon([(middle + radius * math.cos(a), middle + radius * math.sin(a)) for a in angles], fill=color)
        pen.text((middle, middle), text, fill="white", font=ImageFont.load_default(50 * SCALE), anchor="mm")

    return draw


def no_entry(color: str) -> Callable[[Pen], None]:
    """A disc with a white bar."""

    def draw(pen: Pen) -> None:
        size = FACE_PX * SCALE
        pen.ellipse((2, 2, size - 3, size - 3), fill=color)
        pen.rectangle((size * 0.18, size * 0.42, size * 0.82, size * 0.58), fill="white")

    return draw


def plate(color: str, text: str) -> Callable[[Pen], None]:
    """A square sign with a white letter."""

    def draw(pen: Pen) -> None:
        size = FACE_PX * SCALE
        pen.rounded_rectangle((6, 6, size - 7, size - 7), 30, fill=color, outline="white", width=12)
        pen.text((size / 2, size / 2), text, fill="white", font=ImageFont.load_default(110 * SCALE), anchor="mm")

    return draw


def limit_plate(text: str) -> Callable[[Pen], None]:
    """A speed limit as in America: black digits on a white plate."""

    def draw(pen: Pen) -> None:
        size = FACE_PX * SCALE
        pen.rounded_rectangle((size * 0.1, 4, size * 0.9, size - 5), 40, fill="#111111")
        pen.rounded_rectangle((size * 0.14, 22, size * 0.86, size - 23), 30, fill="#fff8ee")
        font = ImageFont.load_default(100 * SCALE)
        pen.text((size / 2, size / 2), text, fill="#111111", font=font, anchor="mm", stroke_width=SCALE)

    return draw


def warning_diamond(symbol: str) -> Callable[[Pen], None]:
    """A warning as in America: a black symbol on a yellow square that stands on its corner."""

    def draw(pen: Pen) -> None:
        size = FACE_PX * SCALE
        for inset, color in ((4, "#111111"), (26, "#f5c400")):
            far, middle = size - inset, size / 2
            pen.polygon([(middle, inset), (far, middle), (middle, far), (inset, middle)], fill=color)
        draw_symbol(pen, symbol)

    return draw


def diamond(color: str) -> Callable[[Pen], None]:
    """A square standing on its corner."""

    def draw(pen: Pen) -> None:
        size = FACE_PX * SCALE
        pen.polygon([(size / 2, 4), (size - 4, size / 2), (size / 2, size - 4), (4, size / 2)], fill="white")
        pen.polygon([(size / 2, 50), (size - 50, size / 2), (size / 2, size - 50), (50, size / 2)], fill=color)

    return draw
