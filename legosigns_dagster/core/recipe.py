"""Everything besides the source that decides what a dataset looks like."""

import hashlib
import json
from dataclasses import dataclass, field

from legosigns_dagster.core.ingestion.settings import AnnotationPolicies
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.splits import SplitSettings


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
        chosen = {name: getattr(self.settings, name) for name in DatasetSettings.model_fields}
        text = json.dumps([self.classes.names, chosen, self.label_studio_url], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
