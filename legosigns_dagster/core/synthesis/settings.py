"""What people may turn when synthetic images are made."""

from pydantic import BaseModel, Field


class SynthesisSettings(BaseModel, frozen=True):
    """Everything that decides which synthetic images are made."""

    images: int = Field(160, ge=0, le=100_000, description="Images to make.")
    seed: int = Field(0, ge=0, description="Same seed and sources, same images to the byte.")
    min_signs: int = Field(1, ge=0, le=20, description="Signs pasted into an image, at least.")
    max_signs: int = Field(4, ge=1, le=20, description="Signs pasted into an image, at most.")
    max_distractors: int = Field(4, ge=0, le=20, description="Things without a label pasted into an image, at most.")
    tilt_degrees: float = Field(40, ge=0, le=90, description="Largest turn of a sign to either side, in degrees.")
    yaw_degrees: float = Field(
        0,
        ge=0,
        le=80,
        description="Furthest to a side that a sign is seen from, in degrees: from 60 it is half as wide.",
    )
    perspective: float = Field(
        0.2, ge=0, le=0.6, description="How much longer the near edge of a sign is that is seen from the side, at most."
    )
    min_visible: float = Field(
        0.6, gt=0, le=1, description="Share of a face that must be visible; a sign with less is not pasted at all."
    )
    on_annotated: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the images whose scene is an annotated train image, its own signs and their boxes kept, "
        "instead of a background.",
    )
    size_spread: float = Field(
        0.5, ge=0, lt=1, description="How much larger or smaller than a real one a sign may be, as a share of its size."
    )
    blur: float = Field(0.5, ge=0, le=1, description="Longest motion blur, as a share of the smallest face's size.")
    defocus: float = Field(
        0,
        ge=0,
        le=1,
        description="Largest standard deviation of an image out of focus, as a share of the smallest face's size.",
    )
    darkest: float = Field(
        0.6, gt=0, le=1, description="Darkest exposure of an image, as a share of the scene's own light."
    )
    cast: float = Field(
        0, ge=0, le=1, description="Warmest or coolest light of an image: how much more red than green, or blue."
    )
    noise: float = Field(8, ge=0, le=64, description="Largest standard deviation of sensor noise, of 255 grey levels.")
