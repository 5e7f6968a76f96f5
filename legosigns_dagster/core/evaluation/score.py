"""What weights do on both val parts, and the one rule by which an epoch and a mixture are chosen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from legosigns_dagster.core.evaluation.average_precision import average_precision, mean_precisions
from legosigns_dagster.core.evaluation.evaluation import Matches

PRICE = 10.0  # what a loss on classical signs beyond the allowed one counts, against a gain on LEGO signs


@dataclass(frozen=True)
class Score:
    """mAP in [0, 1] on the classical and on the LEGO val images; NaN where there is none."""

    classical_map50_95: float
    lego_map50: float
    lego_map50_95: float

    @classmethod
    def of(cls, classical: Matches | None, lego: Matches | None) -> "Score":
        """The score that these matches make."""
        return cls(maps_of(classical)[1], *maps_of(lego))

    @classmethod
    def from_facts(cls, facts: Mapping[str, float | None]) -> "Score":
        """The score whose `facts` these are."""
        return cls(*(math.nan if (v := facts[field.name]) is None else v for field in fields(cls)))

    def worth(self, base: "Score", allowed_loss: float) -> float:
        """mAP50-95 on LEGO signs, less ten times what classical mAP50-95 lost beyond what is allowed.

        A hard limit would throw away most of the new skill for a thousandth, which is less than the noise of the
        measure. Without classical images, what is lost cannot be seen and LEGO signs alone decide.
        """
        lost = base.classical_map50_95 - self.classical_map50_95
        return self.lego_map50_95 - PRICE * (0.0 if math.isnan(lost) else max(lost - allowed_loss, 0.0))

    def facts(self) -> dict[str, float | None]:
        """Its figures by name; None where there is no val image, since JSON has no NaN."""
        return {name: None if math.isnan(value) else value for name, value in vars(self).items()}

    def __str__(self) -> str:
        classical = "no classical val image" if math.isnan(self.classical_map50_95) else (
            f"classical mAP50-95 {self.classical_map50_95:.3f}"
        )  # fmt: skip
        return f"{classical}, LEGO mAP50 {self.lego_map50:.3f} mAP50-95 {self.lego_map50_95:.3f}"


def maps_of(matches: Matches | None) -> tuple[float, float]:
    """mAP50 and mAP50-95 of all classes that have a box, NaN without one."""
    if matches is None or not len(matches.files):
        return math.nan, math.nan
    maps = mean_precisions(average_precision(matches, np.ones((1, len(matches.files)), int)))
    return float(maps[0, 0, 0]), float(maps[0, 0, 1])
