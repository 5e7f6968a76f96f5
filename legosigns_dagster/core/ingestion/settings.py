"""The settings of raw_annotations: what becomes of unusual annotations, and how images are split."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, Field

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.splits import SplitSettings

# Settings that came after digests were stored. At their defaults they are no part of a digest, so that it stays.
YOUNGER_SETTINGS = frozenset({"unreadable_region"})


class AnnotationPolicies(BaseModel, frozen=True):
    """What becomes of annotations that a detector cannot learn from as they are.

    `reject` puts the whole image into the quarantine, `leave_out` only one region of it.
    """

    several_annotations: Literal["ground_truth", "latest", "reject"] = Field(
        "ground_truth",
        description="Several annotations of one image, in one task or in several. ground_truth: the one marked so, "
        "else the one changed last. latest: the one changed last. reject: none where they differ.",
    )
    unlabeled: Literal["reject", "no_sign"] = Field(
        "reject",
        description="A task that nobody annotated. reject: its image is not used. no_sign: its image counts as one "
        "without signs, and the detector learns to overlook every sign on it.",
    )
    unknown_class: Literal["reject", "leave_out"] = Field(
        "reject",
        description="A region of a class that the base weights do not have. reject: its image is not used. leave_out: "
        "the region is not used, and the detector learns that its sign is background.",
    )
    rotated: Literal["envelope", "leave_out", "reject"] = Field(
        "envelope",
        description="A rotated rectangle. envelope: the upright rectangle around it is used. leave_out: the region is "
        "not used. reject: its image is not used.",
    )
    two_classes: Literal["both", "leave_out", "reject"] = Field(
        "both",
        description="A rectangle with two classes. both: a box for each. leave_out: the region is not used. reject: "
        "its image is not used.",
    )
    polygons: Literal["leave_out", "envelope"] = Field(
        "leave_out",
        description="A polygon with a class. leave_out: no box is made of it, and unreadable_region decides about its "
        "image, unless a rectangle is around the same sign. envelope: the upright rectangle around it is used.",
    )
    unreadable_region: Literal["reject", "leave_out"] = Field(
        "reject",
        description="A sign of a known class that is drawn as anything but a rectangle, has no size, lies outside its "
        "image, or cannot be read. reject: its image is not used. leave_out: the region is not used, and the detector "
        "learns that its sign is background.",
    )


class DatasetSettings(SplitSettings, AnnotationPolicies, frozen=True):
    """All settings of raw_annotations: those of the annotations and those of the split."""


@dataclass(frozen=True)
class Recipe:
    """Everything besides the tasks and images that decides what a dataset is like.

    Attributes:
        classes: The classes of the base weights.
        settings: How annotations are read and images split.
        label_studio_url: Label Studio's address, for links to its tasks. Empty where unknown.
    """

    classes: SignClasses
    settings: DatasetSettings = field(default_factory=DatasetSettings)
    label_studio_url: str = ""

    def digest(self) -> str:
        """Compute a SHA-256, 64 hex digits. The same source and the same digest give the same dataset.

        It is stored with each version: another way to compute it would make every next version from scratch.
        """
        fields = type(self.settings).model_fields
        settings = {
            name: value
            for name, value in self.settings.model_dump().items()
            if name not in YOUNGER_SETTINGS or value != fields[name].default
        }
        text = json.dumps([self.classes.names, settings, self.label_studio_url], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
