"""Caveats: what a training and its verdict cannot be trusted with, in the log before it starts and in the report."""

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.dataset.validation import absent_classes
from legosigns_dagster.core.evaluation.bootstrap import MIN_GROUPS
from legosigns_dagster.core.evaluation.slices import Slice

NO_CLASSICAL = (
    "there is no classical set: nothing protects the old skill but the base's BatchNorm statistics and its large share "
    "in the weights, and nothing here tells what was forgotten; set CLASSICAL_SIGNS"
)


def find_caveats(base_size: int, image_size: int, classical: Dataset, lego: Dataset) -> list[str]:
    """Find what to be careful about.

    Args:
        base_size: Image size in pixels that the base was trained at.
        image_size: Image size in pixels of this training.
        classical: The classical images, maybe none.
        lego: The annotated LEGO images.

    Returns:
        A sentence for each caveat.
    """
    found = []
    if not len(classical.images):
        found.append(NO_CLASSICAL)
    if image_size != base_size:
        found.append(
            f"the base was trained at {base_size} px and this training is at {image_size}: both are measured at "
            f"{image_size} px, where the base may be worse than it is at its own size"
        )
    for one, dataset in ((Slice.CLASSICAL, classical), (Slice.LEGO, lego)):
        part = dataset.part(VAL)
        if len(dataset.images):
            found += [f"{one.title}: {absent}, so nothing is known about it" for absent in absent_classes(part, (VAL,))]
            groups = part.images["group"].nunique()
            if groups < MIN_GROUPS:
                found.append(
                    f"{one.title}: the {len(part.images)} val images are of {groups} scenes, and fewer than "
                    f"{MIN_GROUPS} decide nothing: annotate more of them"
                )
    return found
