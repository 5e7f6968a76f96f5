"""What to do where people annotated in a way that a detector cannot learn from as it is."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, Field

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.splits import SplitSettings


class AnnotationPolicies(BaseModel, frozen=True):
    """Settings for what people really draw: `reject` puts an image into the quarantine, `leave_out` one region."""

    several_annotations: Literal["ground_truth", "latest", "reject"] = Field(
        "ground_truth",
        description="Several answers for one image, in one task or in several: ground_truth takes that first and the "
        "latest otherwise, latest the last one changed, reject none where they differ.",
    )
    unlabeled: Literal["reject", "no_sign"] = Field(
        "reject",
        description="A task that nobody annotated: reject it, or no_sign to take its image as one without signs, which "
        "teaches to overlook every sign that is in it.",
    )
    unknown_class: Literal["reject", "leave_out"] = Field(
        "reject",
        description="A region of a class that the base weights do not have: reject its image, or leave_out the region, "
        "which turns its sign into background.",
    )
    rotated: Literal["envelope", "leave_out", "reject"] = Field(
        "envelope",
        description="A rotated rectangle: its upright envelope, leave_out the region or reject its image.",
    )
    two_classes: Literal["both", "leave_out", "reject"] = Field(
        "both", description="A rectangle with two classes: one box for each, leave_out the region or reject its image."
    )
    polygons: Literal["leave_out", "envelope"] = Field(
        "leave_out", description="A polygon with a class: leave_out the region, or use its upright envelope."
    )


class DatasetSettings(SplitSettings, AnnotationPolicies, frozen=True):
    """How annotations are read and images split."""


@dataclass(frozen=True)
class Recipe:
    """How a dataset is made: the class contract, the settings, and where Label Studio is, for links to its tasks."""

    classes: SignClasses
    settings: DatasetSettings = field(default_factory=DatasetSettings)
    label_studio_url: str = ""

    def digest(self) -> str:
        """A SHA-256 as 64 hex digits: the same source and the same digest make the same dataset."""
        text = json.dumps([self.classes.names, self.settings.model_dump(), self.label_studio_url], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
