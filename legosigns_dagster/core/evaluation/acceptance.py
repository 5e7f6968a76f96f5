"""Whether new weights may be used: their differences checked against limits, with what chance leaves open."""

from dataclasses import dataclass
from enum import StrEnum

from legosigns_dagster.core.evaluation.comparison import Comparison
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.evaluation.formatting import (
    format_base_and_new,
    format_change,
    format_difference,
    format_images_needed,
)


class Outcome(StrEnum):
    """Whether a criterion is met."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class AcceptanceCriterion:
    """A limit for the difference of one metric on one slice.

    Attributes:
        slice_name: The slice's title, as in the comparison.
        metric: The metric's name, such as `map50_95`.
        min_difference: The smallest allowed difference, new minus base, -1 to 1.
    """

    slice_name: str
    metric: str
    min_difference: float


@dataclass(frozen=True)
class AcceptanceResult:
    """What a comparison says about a criterion.

    Attributes:
        outcome: `passed` or `failed` where the whole interval is above or below the limit, else `inconclusive`.
        text: The same in a sentence, with the figures.
        offenders: Each class whose difference is below the limit, with its figures.
    """

    outcome: Outcome
    text: str
    offenders: tuple[str, ...]


def check_criterion(comparison: Comparison, criterion: AcceptanceCriterion) -> AcceptanceResult:
    """Check a comparison against a criterion. Without images of the slice the result is inconclusive."""
    table, limit = comparison.table, criterion.min_difference
    rows = table[(table["slice"] == criterion.slice_name) & (table["metric"] == criterion.metric)]
    if not len(rows):
        text = f"there are no val or test images of {criterion.slice_name}: add some"
        return AcceptanceResult(Outcome.INCONCLUSIVE, text, ())
    row = rows[rows["class_name"] == ALL].iloc[0]
    outcome = Outcome.PASSED if row["low"] > limit else Outcome.FAILED if row["high"] < limit else Outcome.INCONCLUSIVE
    text = f"{criterion.slice_name}: {format_change(row)}; required: at least {format_difference(limit)}"
    if outcome is Outcome.INCONCLUSIVE:
        text = f"{text}: inconclusive with {row['images']} images. {format_images_needed(row)}".strip()
    below = rows[(rows["class_name"] != ALL) & (rows["difference"] < limit)]
    offenders = tuple(f"{row['class_name']}: {format_base_and_new(row)}" for _, row in below.iterrows())
    return AcceptanceResult(outcome, text, offenders)
