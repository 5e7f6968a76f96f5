"""The scale of a chart's axis: from values to pixels, with round ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """How the values of one axis are placed on pixels.

    Attributes:
        low: The smallest value of the axis.
        high: The largest value of the axis.
        start: The pixel of `low`.
        end: The pixel of `high`; smaller than `start` on an axis that goes up.
        ticks: The values that get a line and a number.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Compute the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def nice_step(span: float, most: int) -> float:
    """Choose the distance between ticks: the smallest of 1, 2, 5, 10, … times a power of ten.

    Args:
        span: The length of the axis, in its own unit.
        most: The largest number of parts that the span may have.

    Example:
        >>> nice_step(0.9, 5)
        0.2
    """
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most * (1 + 1e-9))


def fit_scale(values: Sequence[float], start: float, end: float, most: int, whole: bool = False) -> Scale:
    """Make a scale that holds these values and has round ticks.

    Args:
        values: The values to show.
        start: The pixel of the smallest value.
        end: The pixel of the largest value.
        most: The largest number of parts between ticks.
        whole: Whether ticks are whole numbers. The scale then ends at the smallest and the largest value, not at ticks.
    """
    low, high = min(values), max(values)
    if high == low:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    step = max(nice_step(high - low, most), 1.0) if whole else nice_step(high - low, most)
    if not whole:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Scale(low, high, start, end, tuple(number * step for number in range(first, last + 1)))
