"""The sample's signs, drawn large with a transparent ground: face, pole and foot."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Pixels

FACE = 160
OVER = 3  # drawn three times as large and averaged, for smooth edges
Pen = ImageDraw.ImageDraw
Points = list[tuple[float, float]]


def sign(draw_face: Callable[[Pen], None], pole: str, pole_px: int, foot_px: int) -> tuple[Pixels, PixelBox]:
    """Pixels of shape (height, width, 4), RGBA, of a face on a pole with a foot, and the face's box in pixels."""
    height = round(FACE * 2.4)
    image = Image.new("RGBA", (FACE * OVER, height * OVER), (0, 0, 0, 0))
    pen, middle = ImageDraw.Draw(image), FACE * OVER / 2
    half, foot = pole_px * OVER / 2, foot_px * OVER / 2
    pen.rectangle((middle - half, middle, middle + half, height * OVER - 9), fill=pole)
    if foot_px:
        pen.rounded_rectangle((middle - foot, (height - 16) * OVER, middle + foot, height * OVER - 4), 12, fill=pole)
    draw_face(pen)
    small = image.resize((FACE, height), Image.Resampling.LANCZOS)
    rgba = np.asarray(small)
    rows, columns = np.nonzero(rgba[:FACE, :, 3] > 127)
    lowest = lowest_face_row(draw_face)
    face = PixelBox(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(lowest))
    return rgba, face


def lowest_face_row(draw_face: Callable[[Pen], None]) -> int:
    """The row after the last one of the face alone, without its pole."""
    image = Image.new("RGBA", (FACE * OVER, FACE * OVER), (0, 0, 0, 0))
    draw_face(ImageDraw.Draw(image))
    alpha = np.asarray(image.resize((FACE, FACE), Image.Resampling.LANCZOS))[..., 3]
    return int(np.nonzero(alpha > 127)[0].max()) + 1


def disc(ring: str, ring_px: int, text: str, ground: str = "white", ink: str = "#111111") -> Callable[[Pen], None]:
    """A disc with a ring of this width and digits."""

    def draw(pen: Pen) -> None:
        edge = FACE * OVER - 3
        pen.ellipse((2, 2, edge, edge), fill=ring)
        inset = ring_px * OVER
        pen.ellipse((inset, inset, edge - inset, edge - inset), fill=ground)
        size = {1: 110, 2: 92, 3: 66}[len(text)] * OVER
        middle = FACE * OVER / 2
        font = ImageFont.load_default(size)
        pen.text((middle, middle), text, fill=ink, font=font, anchor="mm", stroke_width=OVER, stroke_fill=ink)

    return draw


def corners(inset: float) -> Points:
    """A triangle standing on its base, `inset` pixels inside of the face."""
    size, depth = FACE * OVER, inset * OVER
    top, bottom = size * 0.06 + depth * 2, size * 0.94 - depth
    return [(size / 2, top), (size - 4 - depth * 1.75, bottom), (4 + depth * 1.75, bottom)]


def triangle(edge: str, inner: str, ground: str, symbol: str, edge_px: int, inner_px: int) -> Callable[[Pen], None]:
    """A triangle with an edge, a line inside of it, and a symbol."""

    def draw(pen: Pen) -> None:
        pen.polygon(corners(0), fill=edge)
        pen.polygon(corners(edge_px), fill=inner)
        pen.polygon(corners(edge_px + inner_px), fill=ground)
        draw_symbol(pen, symbol)

    return draw


def draw_symbol(pen: Pen, symbol: str) -> None:
    """A black symbol in the middle of a triangle: `!`, `bend`, `walk`, `works`, `bump` or `cross`."""
    unit = FACE * OVER / 20
    x, y, ink = FACE * OVER / 2, FACE * OVER * 0.62, "#111111"
    if symbol == "!":
        pen.polygon(
            [
                (x - unit, y - 4.5 * unit),
                (x + unit, y - 4.5 * unit),
                (x + 0.5 * unit, y + unit),
                (x - 0.5 * unit, y + unit),
            ],
            fill=ink,
        )
        pen.ellipse((x - unit * 0.9, y + 1.8 * unit, x + unit * 0.9, y + 3.6 * unit), fill=ink)
    elif symbol == "bend":
        pen.line(
            [(x - 2 * unit, y + 3.5 * unit), (x - 2 * unit, y), (x + 1.5 * unit, y - 3 * unit)],
            fill=ink,
            width=round(1.6 * unit),
        )
    elif symbol == "bump":
        pen.chord((x - 4 * unit, y - unit, x + 4 * unit, y + 6 * unit), 180, 360, fill=ink)
    elif symbol == "cross":
        for one, other in ((-1, 1), (1, -1)):
            pen.line(
                [(x + one * 2.6 * unit, y - 2.6 * unit), (x + other * 2.6 * unit, y + 2.6 * unit)],
                fill=ink,
                width=round(1.5 * unit),
            )
    else:
        people = (0.0,) if symbol == "works" else (-1.8, 1.8)
        for shift in people:
            draw_person(pen, x + shift * unit, y, unit, ink)
        if symbol == "works":
            pen.polygon(
                [(x + unit, y + 3.6 * unit), (x + 3 * unit, y + unit), (x + 5 * unit, y + 3.6 * unit)], fill=ink
            )


def draw_person(pen: Pen, x: float, y: float, unit: float, ink: str) -> None:
    """A walking figure."""
    pen.ellipse((x - 0.8 * unit, y - 4.4 * unit, x + 0.8 * unit, y - 2.8 * unit), fill=ink)
    pen.line([(x, y - 2.6 * unit), (x, y + 0.6 * unit)], fill=ink, width=round(1.5 * unit))
    for end in (-1.3, 1.3):
        pen.line([(x, y + 0.3 * unit), (x + end * unit, y + 3.6 * unit)], fill=ink, width=round(unit))
        pen.line([(x, y - 2 * unit), (x + end * 1.3 * unit, y - 0.4 * unit)], fill=ink, width=round(0.8 * unit))


def octagon(color: str, text: str) -> Callable[[Pen], None]:
    """An eight-cornered sign with white letters."""

    def draw(pen: Pen) -> None:
        middle, radius = FACE * OVER / 2, FACE * OVER / 2 - 3
        angles = [math.pi / 8 + math.pi / 4 * number for number in range(8)]
        pen.polygon([(middle + radius * math.cos(a), middle + radius * math.sin(a)) for a in angles], fill=color)
        pen.text((middle, middle), text, fill="white", font=ImageFont.load_default(50 * OVER), anchor="mm")

    return draw


def barred(color: str) -> Callable[[Pen], None]:
    """A disc with a white bar."""

    def draw(pen: Pen) -> None:
        size = FACE * OVER
        pen.ellipse((2, 2, size - 3, size - 3), fill=color)
        pen.rectangle((size * 0.18, size * 0.42, size * 0.82, size * 0.58), fill="white")

    return draw


def plate(color: str, text: str) -> Callable[[Pen], None]:
    """A square sign with a white letter."""

    def draw(pen: Pen) -> None:
        size = FACE * OVER
        pen.rounded_rectangle((6, 6, size - 7, size - 7), 30, fill=color, outline="white", width=12)
        pen.text((size / 2, size / 2), text, fill="white", font=ImageFont.load_default(110 * OVER), anchor="mm")

    return draw


def limit_plate(text: str) -> Callable[[Pen], None]:
    """A speed limit as in America: black digits on a white plate."""

    def draw(pen: Pen) -> None:
        size = FACE * OVER
        pen.rounded_rectangle((size * 0.1, 4, size * 0.9, size - 5), 40, fill="#111111")
        pen.rounded_rectangle((size * 0.14, 22, size * 0.86, size - 23), 30, fill="#fff8ee")
        font = ImageFont.load_default(100 * OVER)
        pen.text((size / 2, size / 2), text, fill="#111111", font=font, anchor="mm", stroke_width=OVER)

    return draw


def warning_diamond(symbol: str) -> Callable[[Pen], None]:
    """A warning as in America: a black symbol on a yellow square that stands on its corner."""

    def draw(pen: Pen) -> None:
        size = FACE * OVER
        for inset, color in ((4, "#111111"), (26, "#f5c400")):
            far, middle = size - inset, size / 2
            pen.polygon([(middle, inset), (far, middle), (middle, far), (inset, middle)], fill=color)
        draw_symbol(pen, symbol)

    return draw


def diamond(color: str) -> Callable[[Pen], None]:
    """A square standing on its corner."""

    def draw(pen: Pen) -> None:
        size = FACE * OVER
        pen.polygon([(size / 2, 4), (size - 4, size / 2), (size / 2, size - 4), (4, size / 2)], fill="white")
        pen.polygon([(size / 2, 50), (size - 50, size / 2), (size / 2, size - 50), (50, size / 2)], fill=color)

    return draw
