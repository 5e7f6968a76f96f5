"""The sample's scenes without signs: roads outdoors, and a table with a toy railway in a room."""

import math

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from legosigns_dagster.core.synthesis.canvas import Pixels

SIZE_WH = (256, 192)
OVER = 2
Color = tuple[int, int, int]


def shade(draw: Generator, color: Color, spread: int = 25) -> Color:
    """A colour near the given one."""
    red, green, blue = (int(np.clip(channel + draw.integers(-spread, spread + 1), 0, 255)) for channel in color)
    return red, green, blue


def canvas(draw: Generator, upper: Color, lower: Color) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A new image that fades from one colour at the top to another at the bottom, and a pen for it."""
    width, height = SIZE_WH[0] * OVER, SIZE_WH[1] * OVER
    share = np.linspace(0, 1, height)[:, None, None]
    pixels = (1 - share) * np.array(upper) + share * np.array(lower)
    image = Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).astype(np.uint8).copy())
    return image, ImageDraw.Draw(image)


def finished(draw: Generator, image: Image.Image, grain: float = 5) -> Pixels:
    """The scene at its size, soft as through a lens, with texture and uneven light."""
    small = image.filter(ImageFilter.GaussianBlur(OVER * draw.uniform(0.3, 0.9))).resize(
        SIZE_WH, Image.Resampling.LANCZOS
    )
    pixels = np.asarray(small, np.float32)
    coarse = draw.normal(0, grain, (24, 32, 3)).astype(np.float32)
    texture = [np.asarray(Image.fromarray(coarse[..., c]).resize(SIZE_WH, Image.Resampling.BICUBIC)) for c in range(3)]
    light = 1 + 0.25 * np.linspace(-1, 1, SIZE_WH[0])[None, :, None] * draw.uniform(-1, 1)
    return np.asarray(np.clip((pixels + np.dstack(texture)) * light, 0, 255), np.uint8)


def ridge(draw: Generator, level: float, rough: float) -> list[tuple[float, float]]:
    """An outline from the left edge to the right one, closed along the bottom."""
    width, height = SIZE_WH[0] * OVER, SIZE_WH[1] * OVER
    heights = level + np.cumsum(draw.normal(0, rough, 33))
    line = [(number * width / 32, float(value)) for number, value in enumerate(heights)]
    return [(0, height), *line, (width, height)]


def road(draw: Generator) -> Pixels:
    """A road through a landscape or a town."""
    width, height = SIZE_WH[0] * OVER, SIZE_WH[1] * OVER
    sky = shade(draw, [(120, 165, 220), (190, 195, 205), (235, 235, 235), (90, 100, 120)][draw.integers(4)])
    image, pen = canvas(draw, sky, shade(draw, (220, 225, 230)))
    horizon = height * draw.uniform(0.4, 0.6)
    pen.polygon(ridge(draw, horizon - draw.uniform(5, 60), 8), fill=shade(draw, (95, 115, 105)))
    for _ in range(draw.integers(0, 6)):
        house(draw, pen, horizon)
    pen.rectangle((0, horizon, width, height), fill=shade(draw, (95, 120, 70)))
    middle, far, near = draw.uniform(0.3, 0.7) * width, draw.uniform(6, 20), draw.uniform(0.3, 0.6) * width
    pen.polygon(
        [(middle - far, horizon), (middle + far, horizon), (middle + near, height), (middle - near, height)],
        fill=shade(draw, (95, 95, 100)),
    )
    for step in range(6):
        top, bottom = (horizon + (height - horizon) * (share / 6) ** 1.5 for share in (step, step + 0.5))
        pen.line([(middle, top), (middle, bottom)], fill=(225, 225, 220), width=2 + step)
    for _ in range(draw.integers(2, 12)):
        tree(draw, pen, horizon)
    return finished(draw, image, 7)


def house(draw: Generator, pen: ImageDraw.ImageDraw, horizon: float) -> None:
    """A block with windows on the horizon."""
    left, wide, tall = draw.uniform(0, SIZE_WH[0] * OVER), draw.uniform(40, 110), draw.uniform(40, 140)
    pen.rectangle((left, horizon - tall, left + wide, horizon + 8), fill=shade(draw, (170, 150, 135), 45))
    pane = shade(draw, (80, 95, 115))
    for row in range(int(tall // 26)):
        for column in range(int(wide // 22)):
            x, y = left + 6 + column * 22, horizon - tall + 8 + row * 26
            pen.rectangle((x, y, x + 10, y + 14), fill=pane)


def tree(draw: Generator, pen: ImageDraw.ImageDraw, horizon: float) -> None:
    """A trunk and some leaves beside the road."""
    x, size = draw.uniform(0, SIZE_WH[0] * OVER), draw.uniform(14, 70)
    y = horizon + draw.uniform(-5, 30)
    pen.rectangle((x - size / 14, y - size, x + size / 14, y + 6), fill=(75, 60, 50))
    for _ in range(7):
        dx, dy, radius = draw.uniform(-0.5, 0.5) * size, draw.uniform(-1.9, -0.7) * size, size * draw.uniform(0.25, 0.5)
        leaf = shade(draw, (70, 100, 50), 30)
        pen.ellipse((x + dx - radius, y + dy - radius, x + dx + radius, y + dy + radius), fill=leaf)


def table(draw: Generator) -> Pixels:
    """A table with a toy railway, in front of a wall."""
    width, height = SIZE_WH[0] * OVER, SIZE_WH[1] * OVER
    wall = shade(
        draw, [(205, 200, 190), (150, 160, 175), (190, 165, 130), (85, 90, 100), (225, 225, 230)][draw.integers(5)]
    )
    image, pen = canvas(draw, wall, shade(draw, wall, 12))
    edge = height * draw.uniform(0.4, 0.62)
    for _ in range(draw.integers(2, 6)):
        furniture(draw, pen, edge)
    back = [(0, edge + draw.uniform(-25, 25)), (width, edge + draw.uniform(-25, 25))]
    wood = [(55, 52, 55), (150, 115, 80), (200, 190, 175), (80, 85, 80)][draw.integers(4)]
    pen.polygon([*back, (width, height), (0, height)], fill=shade(draw, wood))
    railway(draw, pen, edge)
    for _ in range(draw.integers(0, 7)):
        brick(draw, pen, edge)
    return finished(draw, image, 4)


def furniture(draw: Generator, pen: ImageDraw.ImageDraw, edge: float) -> None:
    """Something behind the table: a window, a shelf, a door, a lamp."""
    left, wide = draw.uniform(-40, SIZE_WH[0] * OVER), draw.uniform(30, 170)
    top = draw.uniform(-30, edge * 0.6)
    color = shade(draw, [(240, 240, 235), (120, 80, 50), (60, 70, 110), (170, 60, 50), (40, 40, 42)][draw.integers(5)])
    pen.rectangle((left, top, left + wide, edge), fill=color, outline=shade(draw, color, 40), width=4)
    if draw.random() < 0.5:
        pen.line([(left + wide / 2, top), (left + wide / 2, edge)], fill=shade(draw, color, 60), width=4)
    if draw.random() < 0.4:
        pen.ellipse(
            (left + wide * 0.2, top + 6, left + wide * 0.8, top + 6 + wide * 0.6), fill=shade(draw, (230, 200, 120), 50)
        )


def railway(draw: Generator, pen: ImageDraw.ImageDraw, edge: float) -> None:
    """A curved track that comes towards the viewer."""
    width, height = SIZE_WH[0] * OVER, SIZE_WH[1] * OVER
    start, bend, gauge = draw.uniform(0.1, 0.9) * width, draw.uniform(-0.6, 0.6) * width, draw.uniform(30, 60)
    metal = shade(draw, (130, 132, 138), 30)
    rails: list[list[tuple[float, float]]] = [[], []]
    for step in range(41):
        depth = step / 40
        y = edge + 8 + (height - edge) * depth**1.6
        x = start + bend * math.sin((1 - depth) * 1.6)
        half = 4 + gauge * depth
        rails[0].append((x - half, y))
        rails[1].append((x + half, y))
        if step % 2 == 0:
            pen.line(
                [(x - half * 1.25, y), (x + half * 1.25, y)], fill=shade(draw, metal, 12), width=2 + round(6 * depth)
            )
    for rail in rails:
        pen.line(rail, fill=metal, width=5)


def brick(draw: Generator, pen: ImageDraw.ImageDraw, edge: float) -> None:
    """A toy brick on the table."""
    x, y = draw.uniform(0, SIZE_WH[0] * OVER), draw.uniform(edge + 10, SIZE_WH[1] * OVER)
    wide, tall = draw.uniform(12, 60), draw.uniform(8, 26)
    color = shade(
        draw, [(200, 30, 30), (30, 80, 180), (240, 200, 30), (40, 140, 60), (235, 235, 235)][draw.integers(5)]
    )
    pen.rectangle((x, y - tall, x + wide, y), fill=color)
    for stud in range(int(wide // 14)):
        pen.ellipse((x + 2 + stud * 14, y - tall - 4, x + 12 + stud * 14, y - tall + 4), fill=shade(draw, color, 15))
