"""What a synthetic image will show: every random number is drawn here, and no pixel is touched.

Image number n draws from its own stream, seeded `[seed, n]`: more images never change the earlier ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.random import Generator

from legosigns_dagster.core.synthesis.distractors import KINDS
from legosigns_dagster.core.synthesis.settings import SynthesisSettings

Blending = Literal["hard", "feathered", "blurred edge", "poisson"]
BLENDINGS: tuple[Blending, ...] = ("hard", "feathered", "blurred edge", "poisson")
BLENDING_SHARES = (0.25, 0.35, 0.25, 0.15)  # the same sign with every kind of edge: edges then tell nothing


@dataclass(frozen=True)
class Paste:
    """A cut-out (its number; distractors that are drawn have a kind instead) and how it will lie in the image.

    `size_px` is the square root of the face's area as seen from the front; `center` is the face's centre in pixels;
    `yaw_degrees` is how far to a side it is seen from; `corners` are shifts of the face's four corners as shares of its
    size.
    """

    cutout: int
    kind: str
    size_px: float
    center: tuple[float, float]
    turn_degrees: float
    yaw_degrees: float
    corners: tuple[float, ...]
    gain: float
    gamma: float
    tint: tuple[float, ...]
    match: float
    blending: Blending


@dataclass(frozen=True)
class Scene:
    """A scene (its number, the part of it that is used) and what is pasted, in order, and how it was taken.

    `annotated` tells whether it is an annotated train image or a background.
    """

    number: int
    annotated: bool
    background: int
    zoom: float
    shift: tuple[float, float]
    mirrored: bool
    pastes: tuple[Paste, ...]
    motion: float
    motion_degrees: float
    noise: float
    noise_seed: int
    gain: float
    jpeg_quality: int
    defocus: float = 0.0
    cast: float = 0.0


@dataclass(frozen=True)
class Supply:
    """What a plan may choose from: cut-outs by class, distractors, how many backgrounds and train images, sizes seen.

    `sizes` are square roots of the areas of real boxes, as shares of the square root of their image's area.
    """

    by_class: tuple[tuple[int, ...], ...]
    distractors: tuple[int, ...]
    backgrounds: int
    annotated: int
    sizes: tuple[float, ...]
    size_wh: tuple[int, int]


def draw_size(draw: Generator, supply: Supply, spread: float) -> float:
    """A face's size in pixels: a real one, give or take `spread` of it; without real ones 3 to 25 % of the image."""
    if supply.sizes:
        share = supply.sizes[draw.integers(len(supply.sizes))] * draw.uniform(1 - spread, 1 + spread)
    else:
        share = math.exp(draw.uniform(math.log(0.03), math.log(0.25)))
    return max(share * math.sqrt(supply.size_wh[0] * supply.size_wh[1]), 6.0)


def draw_center(draw: Generator, size_px: float, size_wh: tuple[int, int]) -> tuple[float, float]:
    """A face's centre: one in six may stick out over the left or right edge, the others are inside."""
    width, height = size_wh
    margin = size_px * (0.1 if draw.random() < 1 / 6 else 0.6)
    margin = min(margin, width / 2)
    top = min(size_px * 0.6, height / 2)
    return draw.uniform(margin, width - margin), draw.uniform(top, max(height * 0.9 - size_px * 0.5, top))


def draw_turn(draw: Generator, most: float) -> float:
    """A turn to either side in degrees, small ones more often."""
    return draw.triangular(-most, 0, most) if most else 0.0


def draw_paste(draw: Generator, settings: SynthesisSettings, supply: Supply, cutout: int, kind: str) -> Paste:
    """How one thing will lie in the image."""
    size = draw_size(draw, supply, settings.size_spread)
    yaw = draw_turn(draw, settings.yaw_degrees)
    squeeze = draw.uniform(-settings.perspective, settings.perspective)
    jitter = draw.uniform(-settings.perspective / 4, settings.perspective / 4, 8)
    # Seen from the side, the near edge is longer than the far one.
    corners = jitter + np.array([0, squeeze / 2, 0, -squeeze / 2, 0, squeeze / 2, 0, -squeeze / 2])
    return Paste(
        cutout=cutout,
        kind=kind,
        size_px=size,
        center=draw_center(draw, size, supply.size_wh),
        turn_degrees=draw_turn(draw, settings.tilt_degrees),
        yaw_degrees=yaw,
        corners=tuple(corners.tolist()),
        gain=draw.uniform(0.7, 1.25),
        gamma=draw.uniform(0.8, 1.3),
        tint=tuple(draw.uniform(0.92, 1.08, 3).tolist()),
        match=draw.uniform(0.2, 0.8),
        blending=BLENDINGS[draw.choice(len(BLENDINGS), p=BLENDING_SHARES)],
    )


def draw_pastes(draw: Generator, settings: SynthesisSettings, supply: Supply) -> tuple[Paste, ...]:
    """What is pasted, in order; classes are drawn evenly, whatever number of cut-outs they have."""
    signs = int(draw.integers(settings.min_signs, max(settings.max_signs, settings.min_signs) + 1))
    distractors = int(draw.integers(settings.max_distractors + 1))
    pastes = []
    for _ in range(signs):
        choices = supply.by_class[draw.integers(len(supply.by_class))]
        pastes.append(draw_paste(draw, settings, supply, choices[draw.integers(len(choices))], ""))
    for _ in range(distractors):
        known = len(supply.distractors)
        choice = int(draw.integers(known + len(KINDS)))
        cutout, kind = (supply.distractors[choice], "") if choice < known else (-1, KINDS[choice - known])
        pastes.append(draw_paste(draw, settings, supply, cutout, kind))
    return tuple(pastes[index] for index in draw.permutation(len(pastes)))


def plan_scene(settings: SynthesisSettings, supply: Supply, number: int) -> Scene:
    """Everything about image number `number`."""
    draw = np.random.default_rng([settings.seed, number])
    pastes = draw_pastes(draw, settings, supply)
    moving = draw.random() < 0.4
    smallest = min((paste.size_px for paste in pastes if not paste.kind), default=0.0)
    scene = Scene(
        number=number,
        annotated=False,
        background=int(draw.integers(supply.backgrounds)),
        zoom=draw.uniform(1.0, 1.5),
        shift=(draw.random(), draw.random()),
        mirrored=bool(draw.random() < 0.5),
        pastes=pastes,
        motion=draw.uniform(0, settings.blur) * smallest if moving else 0.0,
        motion_degrees=draw.uniform(0, 180),
        noise=draw.uniform(0, settings.noise),
        noise_seed=int(draw.integers(2**32)),
        gain=draw.uniform(settings.darkest, 1.2),
        jpeg_quality=int(draw.integers(70, 96)),
    )
    if supply.annotated and draw.random() < settings.on_annotated:
        # Not mirrored: its own signs are read from left to right.
        scene = replace(scene, annotated=True, background=int(draw.integers(supply.annotated)), mirrored=False)
    unsharp = draw.random() < 0.4
    return replace(
        scene,
        defocus=draw.uniform(0, settings.defocus) * smallest if unsharp else 0.0,
        cast=draw.uniform(-settings.cast, settings.cast),
    )


def sizes_of(boxes: Sequence[tuple[float, float, float, float]]) -> tuple[float, ...]:
    """Box sizes as `Supply` wants them, from (box width, box height, image width, image height) in pixels."""
    return tuple(math.sqrt(w * h / (image_w * image_h)) for w, h, image_w, image_h in boxes)
