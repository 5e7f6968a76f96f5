"""Whether a difference is more than chance: a paired bootstrap over groups of images.

Both weights are scored on the same resampled groups. Whole groups are drawn, since images of one scene are not
independent (Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, IJCV 2015, section 3.5).
The interval is the percentile interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.average_precision import ImageCounts, average_precision, mean_precisions
from legosigns_dagster.core.evaluation.evaluation import Matches

RESAMPLES = 1000
# Should all of n groups change the same way by chance, that has a probability of 2 / 2^n: 5 % need six.
MIN_GROUPS = 6
MIN_EFFECT = 0.02  # the smallest difference in mAP that people act on


class Verdict(StrEnum):
    """What an interval says about a difference. The values stand in stored tables and must stay as they are."""

    BETTER = "better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Interval:
    """The 95 % interval of a difference in mAP, new minus base.

    Attributes:
        low: The lower end, -1 to 1. NaN where there are too few groups.
        high: The upper end, -1 to 1. NaN where there are too few groups.
    """

    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """`better` or `worse` where the whole interval is above or below 0, else `inconclusive`.

        Example:
            >>> Interval(0.01, 0.08).verdict.value
            'better'
            >>> Interval(-0.03, 0.01).verdict.value
            'inconclusive'
        """
        return Verdict.BETTER if self.low > 0 else Verdict.WORSE if self.high < 0 else Verdict.INCONCLUSIVE

    def images_needed(self, images: int) -> int:
        """Estimate how many images of this kind it takes to detect a difference of 0.02.

        The width of an interval falls with the square root of the number of images.

        Args:
            images: The number of images behind this interval.

        Returns:
            At least `images`, or 0 where the interval is NaN.

        Example:
            >>> Interval(-0.04, 0.04).images_needed(100)
            400
        """
        if math.isnan(self.low):
            return 0
        half = (self.high - self.low) / 2
        return max(math.ceil(images * (half / MIN_EFFECT) ** 2), images)


def draw_groups(groups: Sequence[str], resamples: int, seed: int) -> ImageCounts:
    """Draw whole groups with replacement, in each resample as many as there are.

    Returns:
        Shape (resamples, images): how often each image counts.
    """
    names, number = np.unique(np.array(groups, dtype=str), return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    return np.asarray(draws[:, number], dtype=np.int64)


def bootstrap_intervals(
    base: Matches, new: Matches, groups: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> list[tuple[Interval, Interval]]:
    """Compute the 95 % intervals of the differences in mAP50 and mAP50-95 by a paired bootstrap.

    Args:
        base: What the base weights find.
        new: What the new weights find on the same images.
        groups: The group of each image, in the order of the matches' `files`.
        resamples: How often groups are drawn.
        seed: The same seed gives the same intervals.

    Returns:
        A pair (mAP50, mAP50-95) for all classes, then a pair for each class. The intervals are NaN, and so
        inconclusive, with fewer than 6 groups or where a class has no box.

    Example:
        On 20 images the base weights find 5 of 20 boxes, the new weights find all:

        >>> def find(count: int) -> Matches:
        ...     return Matches(
        ...         files=tuple(f"{number}.jpg" for number in range(20)), image=np.arange(count),
        ...         class_id=np.zeros(count, int), confidence=np.full(count, 0.9),
        ...         hit=np.ones((count, 10), bool), box_counts=np.ones((20, 1), int),
        ...     )
        >>> groups = [f"group {number}" for number in range(20)]
        >>> map50, map50_95 = bootstrap_intervals(find(5), find(20), groups)[0]
        >>> print(f"{map50.low:.2f} to {map50.high:.2f}: {map50.verdict}")
        0.55 to 0.90: better
    """
    counts = draw_groups(groups, resamples, seed)
    before, after = (mean_precisions(average_precision(matches, counts)) for matches in (base, new))
    group_count = len(set(groups))
    return [
        (percentile_interval(row[:, 0], group_count), percentile_interval(row[:, 1], group_count))
        for row in (after - before).transpose(1, 0, 2)
    ]


def percentile_interval(differences: npt.NDArray[np.float64], groups: int) -> Interval:
    """Take the middle 95 % of the resampled differences.

    Args:
        differences: Shape (resamples,). NaN, for a resample in which the class has no box, is left out.
        groups: The number of groups that were resampled.

    Returns:
        The interval. NaN with fewer than 6 groups, or where all differences are NaN.
    """
    known = differences[~np.isnan(differences)]
    if not len(known) or groups < MIN_GROUPS:
        return Interval(math.nan, math.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(float(low), float(high))
