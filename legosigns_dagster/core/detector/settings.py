"""What people may set when a model is trained."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

# Old names, in run configs that people keep and in stored weights, and what they are called now.
RENAMED_SETTINGS: Mapping[str, str] = {
    "averaging": "ema_decay",
    "keep_statistics": "freeze_batchnorm_stats",
    "classical_loss": "max_map_drop",
    "real_repeats": "lego_repeats",
}


class TrainingSettings(BaseModel, frozen=True):
    """Everything that decides what is learned from a given dataset. The defaults keep the old skill."""

    epochs: int = Field(8, ge=1, le=1000, description="Passes over the training images, at most.")
    minutes: float = Field(
        0,
        ge=0,
        le=10_000,
        description="Time for training, selection and export, in minutes. After the first epoch, as many epochs are "
        "planned as fit, up to `epochs`, and the learning rate falls along them. 0: no limit.",
    )
    image_size: int = Field(
        0,
        ge=0,
        le=2048,
        multiple_of=32,
        description="Longer side in pixels to which images are scaled. 0: the size that the base "
        "weights were trained at. Twice the size takes four times the time.",
    )
    serving_size: int = Field(
        0,
        ge=0,
        le=2048,
        multiple_of=32,
        description="Width and height in pixels of the input of `model.onnx`. 0: `image_size`. Some "
        "clients always send 640. The report says what another size than `image_size` costs.",
    )
    batch: int = Field(16, ge=1, le=256, description="Images for each optimizer step. Memory grows with it.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Same seed, data, machine and thread count: same weights.")
    freeze: int = Field(
        0, ge=0, le=24, description="Number of first layers that keep the base's weights. 10 is the backbone."
    )
    learning_rate: float = Field(
        1e-3, gt=0, le=0.1, description="Learning rate of AdamW. It falls to a twentieth along a cosine."
    )
    mosaic: float = Field(
        0.75,
        ge=0,
        le=1,
        description="Share of the epochs, the first ones, that show four images in one (mosaic). The other epochs show "
        "each image by itself.",
    )
    ema_decay: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Decay of the exponential moving average (EMA) of the weights, for each step. 0.9 averages over "
        "about 10 steps. 0: no average.",
    )
    freeze_batchnorm_stats: bool = Field(
        True,
        description="Keep the base's BatchNorm statistics. Otherwise they drift to the new images at any learning "
        "rate, and old signs are forgotten.",
    )
    patience: int = Field(
        5,
        ge=0,
        le=1000,
        description="Training ends after this many epochs without a new best mAP50-95 on classical or on LEGO val "
        "images. 0: never.",
    )
    replay: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of the classical train images that every epoch shows again. 0.5 of 260 is 130 "
        "images. A set of thousands needs less than all. With 0 the model forgets classical signs.",
    )
    interpolate: bool = Field(
        True,
        description="After training, try weights between the base and the trained ones, and keep the best on LEGO val "
        "images that do not lose the old skill. This takes a few evaluations.",
    )
    max_map_drop: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Allowed drop of classical mAP50-95. A larger drop is accepted only if LEGO mAP50-95 rises "
        "by ten times the excess. More than twice this value is accepted only if all weights tried lose as much.",
    )
    measure_synthesis: bool = Field(
        False,
        description="Train a second time without synthetic images, to show in the report what they contribute. This "
        "takes twice the time.",
    )
    lego_repeats: int = Field(
        3,
        ge=1,
        le=50,
        description="How often an epoch shows each annotated LEGO image, so that a few of them are not lost among many "
        "synthetic ones.",
    )

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> "TrainingSettings":
        """Read settings that were stored with weights, under their present or their old names."""
        return cls(**{RENAMED_SETTINGS.get(name, name): value for name, value in stored.items()})
