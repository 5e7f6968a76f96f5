"""What to do next, from where the new weights go wrong: which class, which size, which scene."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from legosigns_dagster.core.analysis.errors import ErrorKind, SignError
from legosigns_dagster.core.analysis.sizes import ObjectSize
from legosigns_dagster.core.analysis.slice_analysis import SliceAnalysis
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.formatting import format_value

Located = tuple[SliceResults, SignError]  # an error and its slice
MIN_BOXES = 5  # of a size, to be advised on
NO_ERRORS = "The new weights make no error here: only harder images can show what they do not know yet."
REMEDIES = {
    ErrorKind.MISSED: "annotate more images with it",
    ErrorKind.WRONG_CLASS: "annotate more images with it and with the signs that it is taken for",
    ErrorKind.BADLY_PLACED: "check how tightly its boxes are drawn, and annotate more images with it",
    ErrorKind.DOUBLED: "check that no sign is annotated twice, and annotate more images with several signs",
    ErrorKind.BACKGROUND: "add images without signs that show what is taken for it",
}
DISTANCES = {
    ObjectSize.SMALL: "photograph signs from further away, or train with a larger image_size",
    ObjectSize.MEDIUM: "photograph signs from a middle distance",
    ObjectSize.LARGE: "photograph signs from nearby",
}


def next_steps(slices: Sequence[SliceAnalysis]) -> list[str]:
    """Write what to do next, a sentence each: up to three, one where there is no error."""
    errors = [(one.results, error) for one in slices for error in one.new.errors]
    if not errors:
        return [NO_ERRORS] if slices else []
    return [class_step(errors), *size_steps(slices), scene_step(errors)]


def class_step(errors: Sequence[Located]) -> str:
    """Say which class of which slice has the most errors, and what helps against the most frequent kind."""
    by_class: dict[tuple[str, str], Counter[ErrorKind]] = {}
    for part, error in errors:
        key = (part.name, part.dataset.classes.names[error.class_id])
        by_class.setdefault(key, Counter())[error.kind] += 1
    (slice_name, class_name), kinds = max(by_class.items(), key=lambda item: item[1].total())
    kind, often = kinds.most_common(1)[0]
    return (
        f"Class: {class_name} among {slice_name} has {kinds.total()} of the {len(errors)} errors of the new weights, "
        f"{often} of them {kind}: {REMEDIES[kind]}."
    )


def size_steps(slices: Sequence[SliceAnalysis]) -> list[str]:
    """Say on which size of which slice the new weights reach least; nothing where there are too few boxes."""
    known = [(one.results.name, size) for one in slices for size in one.sizes if size.boxes >= MIN_BOXES]
    if not known:
        return []
    name, weakest = min(known, key=lambda one: one[1].new)
    return [
        f"Size: {weakest.size.name.lower()} signs among {name} are the weakest, with mAP50 {format_value(weakest.new)} "
        f"on {weakest.boxes} boxes: {DISTANCES[weakest.size]}."
    ]


def scene_step(errors: Sequence[Located]) -> str:
    """Say in which scene, which is a group of near-duplicates, most errors are."""
    group, count = Counter(error.image.group for _, error in errors).most_common(1)[0]
    part, error = next((part, error) for part, error in errors if error.image.group == group)
    source = part.dataset.sources_by_file().get(error.image.file, {"image": Path(error.image.file).name})
    return (
        f"Scene: {count} of the {len(errors)} errors are in the scene of {source['image']}: photograph other places "
        "like it, since new images of the same place are not trained on."
    )
