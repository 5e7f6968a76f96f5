"""A `Scene`: everything that a synthetic image will show, as numbers, before a pixel is touched."""

from dataclasses import dataclass
from typing import Literal, get_args

from legosigns_dagster.core.synthesis.distractors import DistractorKind

Blending = Literal["hard", "feathered", "blurred edge", "poisson"]
BLENDINGS: tuple[Blending, ...] = get_args(Blending)


@dataclass(frozen=True)
class Paste:
    """A cut-out or a drawn distractor, and how it is pasted into the image.

    Attributes:
        cutout: Number of the cut-out, from 0; -1 for a drawn distractor.
        kind: Kind of a drawn distractor; None for a cut-out.
        size_px: Square root of the face's area seen from the front, in pixels.
        center: The face's centre in the image: x and y in pixels.
        tilt_degrees: Rotation in the image's plane, clockwise.
        yaw_degrees: Angle to the side from which it is seen; 0 is from the front.
        corner_shifts: X and y of the four corners' shifts, clockwise from the top left, as shares of `size_px`.
        gain: Factor of its brightness.
        gamma: Exponent of its brightness; above 1 is darker.
        tint: Factors of red, green and blue.
        light_match: How far its brightness is matched to the place around it: 0 not at all, 1 entirely.
        blending: How its edge is blended into the image.
    """

    cutout: int
    kind: DistractorKind | None
    size_px: float
    center: tuple[float, float]
    tilt_degrees: float
    yaw_degrees: float
    corner_shifts: tuple[float, ...]
    gain: float
    gamma: float
    tint: tuple[float, ...]
    light_match: float
    blending: Blending


@dataclass(frozen=True)
class CameraEffects:
    """What the camera and the light do to the whole image.

    Attributes:
        motion_px: Length of the motion blur in pixels; 0 for none.
        motion_degrees: Its direction, 0 to 180; 0 is along the rows.
        noise: Standard deviation of the sensor noise, in grey levels of 255.
        noise_seed: Seed of the noise.
        gain: Exposure, as a factor of the original brightness.
        jpeg_quality: Quality of the JPEG file, 70 to 95.
        defocus_px: Standard deviation of the blur of an image out of focus, in pixels.
        color_cast: Red is multiplied by 1 + cast and blue by 1 - cast: above 0 is warm, below 0 cool.
    """

    motion_px: float
    motion_degrees: float
    noise: float
    noise_seed: int
    gain: float
    jpeg_quality: int
    defocus_px: float
    color_cast: float


@dataclass(frozen=True)
class Scene:
    """The plan of one synthetic image.

    Attributes:
        number: Number of the image, from 0.
        on_annotated: Whether signs are pasted onto an annotated train image instead of a background.
        background: Number of that train image or background, from 0.
        zoom: Factor by which it is enlarged beyond filling the image; at least 1.
        shift: Position of the crop in what the zoom leaves over: x and y, 0 (left, top) to 1.
        mirrored: Whether it is flipped left to right.
        pastes: What is pasted, from back to front.
        camera: What the camera and the light do to the whole image.
    """

    number: int
    on_annotated: bool
    background: int
    zoom: float
    shift: tuple[float, float]
    mirrored: bool
    pastes: tuple[Paste, ...]
    camera: CameraEffects
