"""What people may turn when a model is trained."""

from pydantic import BaseModel, Field


class TrainingSettings(BaseModel, frozen=True):
    """Everything that decides what is learned from a given dataset. The defaults keep the old skill."""

    epochs: int = Field(8, ge=1, le=1000, description="Passes over the training images, at most.")
    minutes: float = Field(
        0,
        ge=0,
        le=10_000,
        description="Time for training, choosing a mixture and export, in minutes: after the first epoch as many are "
        "planned as fit, up to `epochs`, and the learning rate falls along them. 0: as long as it takes.",
    )
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
        1e-3, gt=0, le=0.1, description="Largest step of AdamW for each weight; falls to a twentieth along a cosine."
    )
    mosaic: float = Field(
        0.75,
        ge=0,
        le=1,
        description="Share of the epochs, the first ones, that show four images in one; the rest show each by itself.",
    )
    averaging: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="How slowly the weights that are kept follow the trained ones, from step to step: 0.9 averages "
        "over about 10 steps. 0: not at all.",
    )
    keep_statistics: bool = Field(
        True,
        description="Keep the base's BatchNorm statistics, which drift towards the new images whatever the learning "
        "rate.",
    )
    patience: int = Field(
        5,
        ge=0,
        le=1000,
        description="Epochs without a new best on either val part, classical or LEGO, after which training ends; "
        "0: never.",
    )
    replay: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of classical_signs' train images that every epoch repeats, 0 to 1: 0.5 of 260 is 130 "
        "images, and a set of thousands wants less than all. 0 lets the model forget classical signs.",
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
        "lost beyond it must bring ten times as much on LEGO signs, and twice as much is never lost.",
    )
    measure_synthesis: bool = Field(
        False,
        description="Train a second time without synthetic images, to tell in the report what they contribute: twice "
        "the time.",
    )
    real_repeats: int = Field(
        3,
        ge=1,
        le=50,
        description="Times that an epoch shows each annotated image, so that a few real ones are not drowned in "
        "synthetic ones.",
    )
