"""What people may turn when a model is trained."""

from pydantic import BaseModel, Field


class TrainingSettings(BaseModel, frozen=True):
    """Everything that decides what is learned from a given dataset. The defaults keep the old skill."""

    epochs: int = Field(10, ge=1, le=1000, description="Passes over the training images.")
    image_size: int = Field(
        0,
        ge=0,
        le=2048,
        description="Longer side in pixels to which images are scaled, a multiple of 32; 0 is the size that the base "
        "weights were trained at. Twice the size takes four times the time.",
    )
    batch: int = Field(16, ge=1, le=256, description="Images for each optimizer step; memory grows with it.")
    seed: int = Field(0, ge=0, description="Same seed, data, machine and thread count: same weights.")
    freeze: int = Field(
        0, ge=0, le=24, description="Layers from the input on that keep the base's weights; 10 is the backbone."
    )
    learning_rate: float = Field(
        5e-4, gt=0, le=0.1, description="Largest step of AdamW for each weight; falls to a twentieth along a cosine."
    )
    replay: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of classical_signs' train images that every epoch repeats, 0 to 1: 0.5 of 260 is 130 "
        "images. 0 lets the model forget classical signs.",
    )
    interpolate: bool = Field(
        True,
        description="After training, try weights between the base and the trained ones and keep those that are best on "
        "LEGO val images among those that keep the old skill; a few evaluations.",
    )
    classical_loss: float = Field(
        0.01,
        ge=0,
        le=1,
        description="How much mAP50-95 on classical val images may fall for such weights to be chosen, 0 to 1; what is "
        "lost beyond it must bring ten times as much on LEGO signs.",
    )
    real_repeats: int = Field(
        3,
        ge=1,
        le=50,
        description="Times that an epoch shows each annotated image, so that a few real ones are not drowned in "
        "synthetic ones.",
    )
