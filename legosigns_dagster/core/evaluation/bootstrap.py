"""Whether a difference is more than chance: a paired bootstrap over groups of images.

Both models are scored on the same resampled groups, whole ones, since the frames of a scene are not independent
(Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, IJCV 2015, section 3.5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.average_precision import average_precision, mean_precisions
from legosigns_dagster.core.evaluation.evaluation import Matches

BETTER, WORSE, UNKNOWN = "better", "worse", "not distinguishable"
RESAMPLES = 1000
# Should all of n groups change the same way by chance, that has a probability of 2 / 2^n: 5 % need six.
FEWEST_GROUPS = 6
SHARP = 0.02  # a difference that people act on


@dataclass(frozen=True)
class Interval:
    """The 95 % interval of a difference, new minus base, from resampled groups; NaN where there are too few of them."""

    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the whole interval says so, else `not distinguishable`."""
        return BETTER if self.low > 0 else WORSE if self.high < 0 else UNKNOWN

    def images_needed(self, images: int) -> int:
        """Images of this kind with which a difference of 0.02 could be told: the interval shrinks with their root."""
        if math.isnan(self.low):
            return 0
        half = (self.high - self.low) / 2
        return max(math.ceil(images * (half / SHARP) ** 2), images)


def resampled(groups: Sequence[str], resamples: int, seed: int) -> npt.NDArray[np.int64]:
    """How often each image counts, shape (resamples, images): as many groups as there are, drawn with replacement."""
    names, number = np.unique(np.array(groups, dtype=str), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    return np.asarray(drawn[:, number], dtype=np.int64)


def paired_intervals(
    base: Matches, new: Matches, groups: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> list[tuple[Interval, Interval]]:
    """Intervals of the differences in mAP50 and mAP50-95: of all classes, then of each.

    `groups` names the group of each image, in the order of the matches' files.
    """
    weights = resampled(groups, resamples, seed)
    before, after = (mean_precisions(average_precision(matches, weights)) for matches in (base, new))
    difference = after - before
    count = len(set(groups))
    return [(interval_of(each[:, 0], count), interval_of(each[:, 1], count)) for each in difference.transpose(1, 0, 2)]


def interval_of(differences: npt.NDArray[np.float64], groups: int) -> Interval:
    """The middle 95 % of the differences, without the resamples in which a class has no box."""
    known = differences[~np.isnan(differences)]
    if not len(known) or groups < FEWEST_GROUPS:
        return Interval(math.nan, math.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(float(low), float(high))
