"""What a training and its verdict cannot be trusted with, said before the time is spent and again in the report."""

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.dataset.validation import absent_classes
from legosigns_dagster.core.evaluation.bootstrap import FEWEST_GROUPS
from legosigns_dagster.core.evaluation.slices import Slice

NO_CLASSICAL = (
    "there is no classical set: nothing protects the old skill but the base's BatchNorm statistics and its large share "
    "in the weights, and nothing here tells what was forgotten; set CLASSICAL_SIGNS"
)


def cautions_of(base_size: int, image_size: int, classical: Dataset, lego: Dataset) -> list[str]:
    """What to be careful about, one sentence each; `base_size` and `image_size` are in pixels."""
    found = []
    if not len(classical.images):
        found.append(NO_CLASSICAL)
    if image_size != base_size:
        found.append(
            f"the base was trained at {base_size} px and this training is at {image_size}: both are measured at "
            f"{image_size} px, where the base may be worse than it is at its own size"
        )
    for name, dataset in ((Slice.CLASSICAL.title, classical), (Slice.LEGO.title, lego)):
        part = dataset.part(VAL)
        if len(dataset.images):
            found += [f"{name}: {absent}, so nothing is known about it" for absent in absent_classes(part, (VAL,))]
            groups = part.images["group"].nunique()
            if groups < FEWEST_GROUPS:
                found.append(
                    f"{name}: the {len(part.images)} val images are of {groups} scenes, and fewer than "
                    f"{FEWEST_GROUPS} decide nothing: annotate more of them"
                )
    return found
