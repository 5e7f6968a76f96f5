"""What people may set when synthetic images are made."""

from pydantic import BaseModel, Field, model_validator


class SynthesisSettings(BaseModel, frozen=True):
    """Everything that decides which synthetic images are made from given cut-outs, backgrounds and annotated images."""

    images: int = Field(160, ge=0, le=100_000, description="Number of images to make.")
    seed: int = Field(0, ge=0, description="Same seed, settings and sources: the same images, byte for byte.")
    min_signs: int = Field(1, ge=0, le=20, description="Smallest number of signs pasted into an image.")
    max_signs: int = Field(4, ge=1, le=20, description="Largest number of signs pasted into an image.")
    max_distractors: int = Field(
        4, ge=0, le=20, description="Largest number of distractors pasted into an image: things that get no box."
    )
    tilt_degrees: float = Field(
        40,
        ge=0,
        le=90,
        description="Largest tilt of a sign to the left or right, in degrees. Small tilts are likelier.",
    )
    yaw_degrees: float = Field(
        0,
        ge=0,
        le=80,
        description="Largest angle from which a sign is seen from the side, in degrees. At 60 it is half as wide.",
    )
    perspective: float = Field(
        0.2,
        ge=0,
        le=0.6,
        description="Strongest perspective distortion: how much longer the near edge of a sign is drawn and how much "
        "shorter the far one, as a share of its size.",
    )
    min_visible: float = Field(
        0.6, gt=0, le=1, description="Share of a face that must be visible. A sign that would show less is not pasted."
    )
    on_annotated: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the images that are made from an annotated train image, with its own signs and boxes. "
        "The others are made from a background.",
    )
    size_spread: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="How much larger or smaller than an annotated sign a pasted one may be, as a share of its size.",
    )
    blur: float = Field(0.5, ge=0, le=1, description="Longest motion blur, as a share of the smallest face's size.")
    defocus: float = Field(
        0,
        ge=0,
        le=1,
        description="Strongest blur of an image out of focus: standard deviation as a share of the smallest face's "
        "size.",
    )
    darkest: float = Field(
        0.6, gt=0, le=1, description="Darkest exposure of an image, as a share of the original brightness."
    )
    cast: float = Field(
        0,
        ge=0,
        le=1,
        description="Strongest warm or cool color cast: 0.2 makes red up to 20 % brighter and blue 20 % darker, or the "
        "other way round.",
    )
    noise: float = Field(
        8, ge=0, le=64, description="Strongest sensor noise: standard deviation in grey levels, of 255."
    )

    @model_validator(mode="after")
    def _order_numbers_of_signs(self) -> "SynthesisSettings":
        if self.min_signs > self.max_signs:
            raise ValueError(f"min_signs {self.min_signs} is more than max_signs {self.max_signs}: change one")
        return self
