"""What weights reach on the val images of both slices, and the one rule by which weights are selected."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from legosigns_dagster.core.evaluation.average_precision import average_precision, mean_precisions
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.evaluation.slices import Slice

FORGETTING_PENALTY = 10.0  # weight of a classical drop beyond the allowed one, against a gain on LEGO signs


@dataclass(frozen=True)
class Score:
    """Mean average precision (mAP) on the val images of both slices; NaN where a slice has none.

    Attributes:
        classical_map50_95: MAP50-95 on classical val images, 0 to 1.
        lego_map50: MAP50 on LEGO val images, 0 to 1.
        lego_map50_95: MAP50-95 on LEGO val images, 0 to 1.
    """

    classical_map50_95: float
    lego_map50: float
    lego_map50_95: float

    @classmethod
    def from_matches(cls, matches: Mapping[Slice, Matches]) -> "Score":
        """Compute the score from the matches of each slice. A slice may be absent."""
        maps = {one: mean_average_precision(matches.get(one)) for one in Slice}
        return cls(maps[Slice.CLASSICAL][1], *maps[Slice.LEGO])

    @classmethod
    def from_dict(cls, values: Mapping[str, float | None]) -> "Score":
        """Read what `as_dict` wrote."""
        return cls(*(math.nan if (v := values[field.name]) is None else v for field in fields(cls)))

    def as_dict(self) -> dict[str, float | None]:
        """Each value by its name; None for NaN, which JSON does not have."""
        return {name: None if math.isnan(value) else value for name, value in vars(self).items()}

    def selection_score(self, base: "Score", max_map_drop: float) -> float:
        """Rate weights by what they gain and what they forget; the highest is selected.

        A hard limit would discard most of the new skill for a thousandth of mAP, which is less than the noise of the
        measure. Without classical images nothing can be known of a drop, and LEGO signs alone decide.

        Args:
            base: Score of the base weights.
            max_map_drop: Allowed drop of classical mAP50-95, 0 to 1.

        Returns:
            LEGO mAP50-95 minus ten times the drop of classical mAP50-95 beyond `max_map_drop`.

        Example:
            >>> base = Score(classical_map50_95=0.85, lego_map50=0.4, lego_map50_95=0.2)
            >>> round(Score(0.82, 0.9, 0.5).selection_score(base, max_map_drop=0.01), 3)
            0.3
        """
        drop = base.classical_map50_95 - self.classical_map50_95
        excess = 0.0 if math.isnan(drop) else max(drop - max_map_drop, 0.0)
        return self.lego_map50_95 - FORGETTING_PENALTY * excess

    def __str__(self) -> str:
        """The score as the log shows it."""
        classical = f"classical mAP50-95 {self.classical_map50_95:.3f}"
        if math.isnan(self.classical_map50_95):
            classical = "no classical val image"
        return f"{classical}, LEGO mAP50 {self.lego_map50:.3f} mAP50-95 {self.lego_map50_95:.3f}"


def mean_average_precision(matches: Matches | None) -> tuple[float, float]:
    """Compute mAP50 and mAP50-95 over all classes that have a box.

    Returns:
        Both values, 0 to 1, or NaN where there is no image or no box.
    """
    if matches is None or not len(matches.files):
        return math.nan, math.nan
    maps = mean_precisions(average_precision(matches, np.ones((1, len(matches.files)), int)))
    return float(maps[0, 0, 0]), float(maps[0, 0, 1])
