"""From the results of an annotation to the regions that were drawn: a region may be several results with one id.

Label Studio writes a region that was drawn with `Rectangle` and `Labels` as two results, and each attribute of a region
(a choice, a text) as one more. All have the region's id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.ingestion.label_studio import Json

# What people answer about an image or about a region. It is no region, also where it repeats a region's position.
ATTRIBUTES = frozenset(
    {"choices", "textarea", "number", "rating", "taxonomy", "datetime", "relation", "pairwise", "ranker", "chat"}
)
RECTANGLES = frozenset({"rectanglelabels", "rectangle", "labels"})  # a rectangle with its class, without it, its class
POLYGONS = frozenset({"polygonlabels", "polygon"})
SIDES = ("x", "y", "width", "height")


@dataclass(frozen=True)
class DrawnRegion:
    """What a person drew once.

    Attributes:
        kind: Its type in Label Studio, such as `rectanglelabels`; "nothing" where it cannot be told.
        labels: The names that the person gave it, none for a region without a class.
        value: Where it is, in percent of the image, as Label Studio writes it.
        result: The result that it was read from.
    """

    kind: str
    labels: tuple[str, ...]
    value: Json
    result: Json

    @property
    def is_polygon(self) -> bool:
        """Whether its value is a list of points."""
        return self.kind in POLYGONS

    @property
    def is_rectangle(self) -> bool:
        """Whether its value is a position and a size."""
        return self.kind in RECTANGLES

    def has_known_class(self, classes: SignClasses) -> bool:
        """Tell whether it is a sign of a class that the detector learns."""
        return any(label in classes.names for label in self.labels)


def find_kind(result: Json) -> str:
    """Tell the kind of a result: its type or, where that is missing, what its value has."""
    kind = result.get("type")
    if isinstance(kind, str) and kind:
        return kind
    value = result.get("value")
    keys = list(map(str, value)) if isinstance(value, dict) else []
    labels = [key for key in keys if key.endswith("labels")]
    return labels[0] if labels else "rectangle" if "width" in keys else "nothing"


def is_region(result: object) -> bool:
    """Tell whether a result is a region of an image, and no attribute and no part of a text or a sound.

    What is not even an object counts as one: somebody may have drawn it.
    """
    if not isinstance(result, dict):
        return True
    value = result.get("value")
    kind = find_kind(result)
    is_other_kind = kind.endswith("labels") and kind != "rectanglelabels"
    is_span = is_other_kind and isinstance(value, dict) and "start" in value and "width" not in value
    return kind not in ATTRIBUTES and not is_span and "from_id" not in result


def region_name(result: Any) -> str:
    """What messages call the region of a result."""
    return f"region {result.get('id', '(no id)')}" if isinstance(result, dict) else f"region {str(result)[:40]!r}"


def read_labels(kind: str, value: Json) -> tuple[str, ...]:
    """Read the names in a value, which are a list or one text.

    Raises:
        ValueError: They are of another type.
    """
    is_other_shape = kind.endswith("labels") and kind not in RECTANGLES
    keys = [kind, "labels"] if is_other_shape else [key for key in value if key.endswith("labels")]
    found = next((value[key] for key in keys if value.get(key)), ())
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, list | tuple):
        raise ValueError(f"its labels are a {type(found).__name__}, expected a list of names")
    return tuple(dict.fromkeys(map(str, found)))


def read_region(result: Any) -> DrawnRegion:
    """Read one result by itself, without the other results of its id.

    Raises:
        ValueError: It is no object, nothing tells its kind, or a value is of another type than Label Studio writes.
    """
    if not isinstance(result, dict):
        raise ValueError(f"a region is a {type(result).__name__}, expected an object")
    value = result.get("value") or {}
    if not isinstance(value, dict):
        raise ValueError(f"its value is a {type(value).__name__}, expected an object")
    kind = find_kind(result)
    if kind == "nothing":
        raise ValueError("it has neither a type nor a value that tells what it is")
    if kind == "labels" and not all(side in value for side in SIDES):
        kind = "polygon" if "points" in value else "ellipse" if "radiusX" in value else kind
    return DrawnRegion(kind, read_labels(kind, value), value, result)


def pair_results(results: Iterable[Any]) -> list[tuple[Any, list[Json]]]:
    """Pair each region's result with the other results of its id on the same image, which tell more about it.

    Attributes are in no pair's first place. Nor is a result of the type `labels` where another one draws its region.
    """
    groups: dict[object, list[Any]] = {}
    for number, result in enumerate(results):
        is_joined = isinstance(result, dict) and result.get("id")
        key = tuple(str(result.get(name)) for name in ("id", "to_name", "item_index")) if is_joined else number
        groups.setdefault(key, []).append(result)
    pairs = []
    for group in groups.values():
        regions = [result for result in group if is_region(result)]
        drawn = [result for result in regions if not isinstance(result, dict) or find_kind(result) != "labels"]
        for result in drawn or regions[:1]:
            pairs.append((result, [other for other in group if other is not result]))
    return pairs


def read_answers(value: Json) -> list[str]:
    """Read what a person answered about a region: choices, the last names of paths in a taxonomy, or a text."""
    text = value.get("text") or ()
    last = [path[-1] for path in value.get("taxonomy") or () if path]
    return [*(value.get("choices") or ()), *last, *([text] if isinstance(text, str) else text)]


def join_region(region: DrawnRegion, others: Sequence[Json], classes: SignClasses) -> DrawnRegion:
    """Give a region the labels that other results of its id have.

    A region without labels takes those of `Labels`, else an answer that is a class. One with labels takes only classes.
    """
    values = [(find_kind(other), other.get("value") or {}) for other in others]
    labels = [label for kind, value in values if kind == "labels" for label in read_labels(kind, value)]
    known = [label for label in labels if label in classes.names]
    if not region.labels and not labels:
        known = [name for _, value in values for name in read_answers(value) if name in classes.names]
    added = known if region.labels else known or labels
    return replace(region, labels=tuple(dict.fromkeys([*region.labels, *added])))
