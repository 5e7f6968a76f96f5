"""Whether new weights may be shipped: a difference held against what people allow, with what chance leaves open."""

from dataclasses import dataclass

from legosigns_dagster.core.evaluation.comparison import Comparison, change_of, more_images, moved, signed
from legosigns_dagster.core.evaluation.evaluation import ALL

KEPT, BROKEN, OPEN = "kept", "broken", "open"


@dataclass(frozen=True)
class Budget:
    """The least difference (new minus base) of a slice's metric that is allowed."""

    slice_name: str
    metric: str
    least: float


@dataclass(frozen=True)
class Judged:
    """`kept` or `broken` where the whole interval says so, else `open`; in words, and the classes that fell short."""

    state: str
    text: str
    offenders: tuple[str, ...]


def judge(comparison: Comparison, budget: Budget) -> Judged:
    """Hold a comparison against a budget."""
    rows = comparison.table[
        (comparison.table["slice"] == budget.slice_name) & (comparison.table["metric"] == budget.metric)
    ]
    if not len(rows):
        return Judged(OPEN, f"there are no val images of {budget.slice_name}: add some", ())
    row = rows[rows["class_name"] == ALL].iloc[0]
    state = KEPT if row["low"] > budget.least else BROKEN if row["high"] < budget.least else OPEN
    text = f"{budget.slice_name}: {change_of(row)}; at least {signed(budget.least)} is wanted"
    if state == OPEN:
        text = f"{text}: cannot tell with {row['images']} images. {more_images(row)}".strip()
    each = rows[(rows["class_name"] != ALL) & (rows["difference"] < budget.least)]
    offenders = tuple(f"{one['class_name']}: {moved(one)}" for _, one in each.iterrows())
    return Judged(state, text, offenders)
