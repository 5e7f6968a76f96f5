"""The sample's backgrounds without signs: roads outdoors, and a table with a toy railway in a room."""

import math

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from legosigns_dagster.core.synthesis.canvas import Pixels

SIZE_WH = (256, 192)
SCALE = 2  # drawn twice as large and averaged, for smooth edges
Color = tuple[int, int, int]


def vary_color(rng: Generator, color: Color, spread: int = 25) -> Color:
    """Draw a color near the given one: each channel differs by at most `spread`, of 255."""
    red, green, blue = (int(np.clip(channel + rng.integers(-spread, spread + 1), 0, 255)) for channel in color)
    return red, green, blue


def gradient_image(rng: Generator, upper: Color, lower: Color) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Make an image that fades from one color at the top to another at the bottom, and a pen for it."""
    width, height = SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE
    share = np.linspace(0, 1, height)[:, None, None]
    pixels = (1 - share) * np.array(upper) + share * np.array(lower)
    image = Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).astype(np.uint8).copy())
    return image, ImageDraw.Draw(image)


def finish_scene(rng: Generator, image: Image.Image, grain: float = 5) -> Pixels:
    """Scale a scene to its size, soften it as a lens does, and add texture and uneven light.

    Returns:
        RGB pixels of shape (height, width, 3).
    """
    small = image.filter(ImageFilter.GaussianBlur(SCALE * rng.uniform(0.3, 0.9))).resize(
        SIZE_WH, Image.Resampling.LANCZOS
    )
    pixels = np.asarray(small, np.float32)
    coarse = rng.normal(0, grain, (24, 32, 3)).astype(np.float32)
    texture = [np.asarray(Image.fromarray(coarse[..., c]).resize(SIZE_WH, Image.Resampling.BICUBIC)) for c in range(3)]
    light = 1 + 0.25 * np.linspace(-1, 1, SIZE_WH[0])[None, :, None] * rng.uniform(-1, 1)
    return np.asarray(np.clip((pixels + np.dstack(texture)) * light, 0, 255), np.uint8)


def ridge_outline(rng: Generator, level: float, rough: float) -> list[tuple[float, float]]:
    """Draw an outline from the left edge to the right one, closed along the bottom."""
    width, height = SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE
    heights = level + np.cumsum(rng.normal(0, rough, 33))
    line = [(number * width / 32, float(value)) for number, value in enumerate(heights)]
    return [(0, height), *line, (width, height)]


def draw_road(rng: Generator) -> Pixels:
    """Draw a road through a landscape or a town: RGB pixels of shape (height, width, 3)."""
    width, height = SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE
    sky = vary_color(rng, [(120, 165, 220), (190, 195, 205), (235, 235, 235), (90, 100, 120)][rng.integers(4)])
    image, pen = gradient_image(rng, sky, vary_color(rng, (220, 225, 230)))
    horizon = height * rng.uniform(0.4, 0.6)
    pen.polygon(ridge_outline(rng, horizon - rng.uniform(5, 60), 8), fill=vary_color(rng, (95, 115, 105)))
    for _ in range(rng.integers(0, 6)):
        draw_house(rng, pen, horizon)
    pen.rectangle((0, horizon, width, height), fill=vary_color(rng, (95, 120, 70)))
    middle, far, near = rng.uniform(0.3, 0.7) * width, rng.uniform(6, 20), rng.uniform(0.3, 0.6) * width
    pen.polygon(
        [(middle - far, horizon), (middle + far, horizon), (middle + near, height), (middle - near, height)],
        fill=vary_color(rng, (95, 95, 100)),
    )
    for step in range(6):
        top, bottom = (horizon + (height - horizon) * (share / 6) ** 1.5 for share in (step, step + 0.5))
        pen.line([(middle, top), (middle, bottom)], fill=(225, 225, 220), width=2 + step)
    for _ in range(rng.integers(2, 12)):
        draw_tree(rng, pen, horizon)
    return finish_scene(rng, image, 7)


def draw_house(rng: Generator, pen: ImageDraw.ImageDraw, horizon: float) -> None:
    """Draw a block with windows on the horizon."""
    left, wide, tall = rng.uniform(0, SIZE_WH[0] * SCALE), rng.uniform(40, 110), rng.uniform(40, 140)
    pen.rectangle((left, horizon - tall, left + wide, horizon + 8), fill=vary_color(rng, (170, 150, 135), 45))
    pane = vary_color(rng, (80, 95, 115))
    for row in range(int(tall // 26)):
        for column in range(int(wide // 22)):
            x, y = left + 6 + column * 22, horizon - tall + 8 + row * 26
            pen.rectangle((x, y, x + 10, y + 14), fill=pane)


def draw_tree(rng: Generator, pen: ImageDraw.ImageDraw, horizon: float) -> None:
    """Draw a trunk and some leaves beside the road."""
    x, size = rng.uniform(0, SIZE_WH[0] * SCALE), rng.uniform(14, 70)
    y = horizon + rng.uniform(-5, 30)
    pen.rectangle((x - size / 14, y - size, x + size / 14, y + 6), fill=(75, 60, 50))
    for _ in range(7):
        dx, dy, radius = rng.uniform(-0.5, 0.5) * size, rng.uniform(-1.9, -0.7) * size, size * rng.uniform(0.25, 0.5)
        leaf = vary_color(rng, (70, 100, 50), 30)
        pen.ellipse((x + dx - radius, y + dy - radius, x + dx + radius, y + dy + radius), fill=leaf)


def draw_table(rng: Generator) -> Pixels:
    """Draw a table with a toy railway, in front of a wall: RGB pixels of shape (height, width, 3)."""
    width, height = SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE
    wall = vary_color(
        rng, [(205, 200, 190), (150, 160, 175), (190, 165, 130), (85, 90, 100), (225, 225, 230)][rng.integers(5)]
    )
    image, pen = gradient_image(rng, wall, vary_color(rng, wall, 12))
    edge = height * rng.uniform(0.4, 0.62)
    for _ in range(rng.integers(2, 6)):
        draw_furniture(rng, pen, edge)
    back = [(0, edge + rng.uniform(-25, 25)), (width, edge + rng.uniform(-25, 25))]
    wood = [(55, 52, 55), (150, 115, 80), (200, 190, 175), (80, 85, 80)][rng.integers(4)]
    pen.polygon([*back, (width, height), (0, height)], fill=vary_color(rng, wood))
    draw_railway(rng, pen, edge)
    for _ in range(rng.integers(0, 7)):
        draw_brick(rng, pen, edge)
    return finish_scene(rng, image, 4)


def draw_furniture(rng: Generator, pen: ImageDraw.ImageDraw, edge: float) -> None:
    """Draw something behind the table: a window, a shelf, a door, a lamp."""
    left, wide = rng.uniform(-40, SIZE_WH[0] * SCALE), rng.uniform(30, 170)
    top = rng.uniform(-30, edge * 0.6)
    color = vary_color(
        rng, [(240, 240, 235), (120, 80, 50), (60, 70, 110), (170, 60, 50), (40, 40, 42)][rng.integers(5)]
    )
    pen.rectangle((left, top, left + wide, edge), fill=color, outline=vary_color(rng, color, 40), width=4)
    if rng.random() < 0.5:
        pen.line([(left + wide / 2, top), (left + wide / 2, edge)], fill=vary_color(rng, color, 60), width=4)
    if rng.random() < 0.4:
        pen.ellipse(
            (left + wide * 0.2, top + 6, left + wide * 0.8, top + 6 + wide * 0.6),
            fill=vary_color(rng, (230, 200, 120), 50),
        )


def draw_railway(rng: Generator, pen: ImageDraw.ImageDraw, edge: float) -> None:
    """Draw a curved track that comes towards the viewer."""
    width, height = SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE
    start, bend, gauge = rng.uniform(0.1, 0.9) * width, rng.uniform(-0.6, 0.6) * width, rng.uniform(30, 60)
    metal = vary_color(rng, (130, 132, 138), 30)
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
                [(x - half * 1.25, y), (x + half * 1.25, y)],
                fill=vary_color(rng, metal, 12),
                width=2 + round(6 * depth),
            )
    for rail in rails:
        pen.line(rail, fill=metal, width=5)


def draw_brick(rng: Generator, pen: ImageDraw.ImageDraw, edge: float) -> None:
    """Draw a toy brick on the table."""
    x, y = rng.uniform(0, SIZE_WH[0] * SCALE), rng.uniform(edge + 10, SIZE_WH[1] * SCALE)
    wide, tall = rng.uniform(12, 60), rng.uniform(8, 26)
    color = vary_color(
        rng, [(200, 30, 30), (30, 80, 180), (240, 200, 30), (40, 140, 60), (235, 235, 235)][rng.integers(5)]
    )
    pen.rectangle((x, y - tall, x + wide, y), fill=color)
    for stud in range(int(wide // 14)):
        pen.ellipse(
            (x + 2 + stud * 14, y - tall - 4, x + 12 + stud * 14, y - tall + 4), fill=vary_color(rng, color, 15)
        )
