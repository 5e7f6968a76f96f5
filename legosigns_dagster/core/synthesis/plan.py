"""The plan of a synthetic image: every random number is drawn here, and no pixel is touched.

Image number n draws from its own stream, seeded `[seed, n]`, so more images never change the earlier ones. The order
of the draws is part of the result: in another order the same seed gives other images.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from legosigns_dagster.core.synthesis.distractors import KINDS, DistractorKind
from legosigns_dagster.core.synthesis.scene import BLENDINGS, CameraEffects, Paste, Scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings

BLENDING_SHARES = (0.25, 0.35, 0.25, 0.15)  # each sign gets every kind of edge, so the detector cannot learn from edges
BLURRED_SHARE = 0.4  # share of the images with motion blur, and of those out of focus
MIN_SIZE_PX = 6.0
SIZES_WITHOUT_BOXES = (0.03, 0.25)  # relative sizes where there is no annotated box to learn them from


@dataclass(frozen=True)
class SamplingPool:
    """What a plan may choose from.

    Attributes:
        cutouts_by_class: Numbers of each class's cut-outs, in the order of the class ids; at least one each.
        distractors: Numbers of the cut-outs without a class.
        background_count: Number of backgrounds, at least 1.
        annotated_count: Number of annotated train images; 0 for none.
        relative_sizes: Square root of each annotated box's share of its image's area, 0 to 1.
        image_wh: Width and height of the synthetic images, in pixels.
    """

    cutouts_by_class: tuple[tuple[int, ...], ...]
    distractors: tuple[int, ...]
    background_count: int
    annotated_count: int
    relative_sizes: tuple[float, ...]
    image_wh: tuple[int, int]


def draw_size(rng: Generator, pool: SamplingPool, spread: float) -> float:
    """Draw the size of a face in pixels: that of an annotated box, up to `spread` of it larger or smaller."""
    if pool.relative_sizes:
        size = pool.relative_sizes[rng.integers(len(pool.relative_sizes))] * rng.uniform(1 - spread, 1 + spread)
    else:
        smallest, largest = SIZES_WITHOUT_BOXES
        size = math.exp(rng.uniform(math.log(smallest), math.log(largest)))
    return max(size * math.sqrt(pool.image_wh[0] * pool.image_wh[1]), MIN_SIZE_PX)


def draw_center(rng: Generator, size_px: float, image_wh: tuple[int, int]) -> tuple[float, float]:
    """Draw the centre of a face: one in six may stick out over the left or right edge, the others are inside."""
    width, height = image_wh
    margin = size_px * (0.1 if rng.random() < 1 / 6 else 0.6)
    margin = min(margin, width / 2)
    top = min(size_px * 0.6, height / 2)
    return rng.uniform(margin, width - margin), rng.uniform(top, max(height * 0.9 - size_px * 0.5, top))


def draw_angle(rng: Generator, limit: float) -> float:
    """Draw an angle between -`limit` and `limit` degrees, small ones more often."""
    return rng.triangular(-limit, 0, limit) if limit else 0.0


def draw_paste(
    rng: Generator, settings: SynthesisSettings, pool: SamplingPool, cutout: int, kind: DistractorKind | None
) -> Paste:
    """Draw how one cut-out or distractor is pasted."""
    size = draw_size(rng, pool, settings.size_spread)
    yaw = draw_angle(rng, settings.yaw_degrees)
    squeeze = rng.uniform(-settings.perspective, settings.perspective)
    jitter = rng.uniform(-settings.perspective / 4, settings.perspective / 4, 8)
    # Seen from the side, the near edge is longer than the far one.
    shifts = jitter + np.array([0, squeeze / 2, 0, -squeeze / 2, 0, squeeze / 2, 0, -squeeze / 2])
    return Paste(
        cutout=cutout,
        kind=kind,
        size_px=size,
        center=draw_center(rng, size, pool.image_wh),
        tilt_degrees=draw_angle(rng, settings.tilt_degrees),
        yaw_degrees=yaw,
        corner_shifts=tuple(shifts.tolist()),
        gain=rng.uniform(0.7, 1.25),
        gamma=rng.uniform(0.8, 1.3),
        tint=tuple(rng.uniform(0.92, 1.08, 3).tolist()),
        light_match=rng.uniform(0.2, 0.8),
        blending=BLENDINGS[rng.choice(len(BLENDINGS), p=BLENDING_SHARES)],
    )


def draw_pastes(rng: Generator, settings: SynthesisSettings, pool: SamplingPool) -> tuple[Paste, ...]:
    """Draw what is pasted, from back to front. Each class is equally likely, however many cut-outs it has."""
    signs = int(rng.integers(settings.min_signs, settings.max_signs + 1))
    distractors = int(rng.integers(settings.max_distractors + 1))
    pastes = []
    for _ in range(signs):
        cutouts = pool.cutouts_by_class[rng.integers(len(pool.cutouts_by_class))]
        pastes.append(draw_paste(rng, settings, pool, cutouts[rng.integers(len(cutouts))], None))
    for _ in range(distractors):
        known = len(pool.distractors)
        choice = int(rng.integers(known + len(KINDS)))
        cutout, kind = (pool.distractors[choice], None) if choice < known else (-1, KINDS[choice - known])
        pastes.append(draw_paste(rng, settings, pool, cutout, kind))
    return tuple(pastes[index] for index in rng.permutation(len(pastes)))


def draw_scene(rng: Generator, settings: SynthesisSettings, pool: SamplingPool, number: int) -> Scene:
    """Draw everything about image number `number`."""
    pastes = draw_pastes(rng, settings, pool)
    smallest_px = min((paste.size_px for paste in pastes if not paste.kind), default=0.0)
    has_motion = rng.random() < BLURRED_SHARE
    background = int(rng.integers(pool.background_count))
    zoom = rng.uniform(1.0, 1.5)
    shift = (rng.random(), rng.random())
    mirrored = bool(rng.random() < 0.5)
    motion_px = rng.uniform(0, settings.blur) * smallest_px if has_motion else 0.0
    motion_degrees = rng.uniform(0, 180)
    noise = rng.uniform(0, settings.noise)
    noise_seed = int(rng.integers(2**32))
    gain = rng.uniform(settings.darkest, 1.2)
    jpeg_quality = int(rng.integers(70, 96))
    on_annotated = bool(pool.annotated_count and rng.random() < settings.on_annotated)
    if on_annotated:
        background = int(rng.integers(pool.annotated_count))
        mirrored = False  # the digits on its own signs would be mirrored too
    is_unsharp = rng.random() < BLURRED_SHARE
    defocus_px = rng.uniform(0, settings.defocus) * smallest_px if is_unsharp else 0.0
    color_cast = rng.uniform(-settings.cast, settings.cast)
    camera = CameraEffects(motion_px, motion_degrees, noise, noise_seed, gain, jpeg_quality, defocus_px, color_cast)
    return Scene(number, on_annotated, background, zoom, shift, mirrored, pastes, camera)


def plan_scene(settings: SynthesisSettings, pool: SamplingPool, number: int) -> Scene:
    """Plan image number `number`, counted from 0. The same arguments give the same plan.

    Example:
        >>> pool = SamplingPool(
        ...     cutouts_by_class=((0, 1), (2,)),
        ...     distractors=(3,),
        ...     background_count=5,
        ...     annotated_count=0,
        ...     relative_sizes=(0.1, 0.2),
        ...     image_wh=(640, 480),
        ... )
        >>> scene = plan_scene(SynthesisSettings(seed=1, max_distractors=0), pool, number=0)
        >>> scene.background, scene.mirrored
        (3, False)
        >>> [(paste.cutout, round(paste.size_px), paste.blending) for paste in scene.pastes]
        [(2, 71, 'feathered'), (2, 81, 'blurred edge')]
    """
    return draw_scene(np.random.default_rng([settings.seed, number]), settings, pool, number)
