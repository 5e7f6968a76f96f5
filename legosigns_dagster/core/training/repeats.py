"""Train images that repeat a val or test image, of whichever set: a training on them makes its figures too good."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset
from legosigns_dagster.core.dataset.repeated_images import describe_looks, find_copies
from legosigns_dagster.core.training.training_data import TrainingData


@dataclass(frozen=True)
class Repeats:
    """The train images that must not be trained on.

    Attributes:
        data: The datasets without them.
        sentences: What each of them repeats, in words.
    """

    data: TrainingData
    sentences: list[str]


def leave_out_repeats(data: TrainingData) -> Repeats:
    """Leave out the train images that repeat a val or test image of the annotated or of the classical images.

    They are compared by their bytes and by their looks. Datasets without such an image are returned as they are.
    """
    sets: Mapping[str, Dataset] = {
        "raw_annotations": data.lego, "synthetic_set": data.synthetic, "classical_signs": data.classical
    }  # fmt: skip
    held_out = [
        (name, image)
        for name in ("raw_annotations", "classical_signs")
        for image in describe_looks(sets[name].part(VAL, TEST))
    ]
    kept, sentences = dict(sets), []
    for name, dataset in sets.items():
        copies = list(find_copies(describe_looks(dataset.part(TRAIN)), [image for _, image in held_out]))
        if copies:
            files = {image.file for image, _ in copies}
            kept[name] = dataset.select(~dataset.images["file"].isin(files))
        for image, number in copies:
            owner, other = held_out[number]
            sentences.append(f"{name} {image.file} (train) repeats {owner} {other.file} ({other.split})")
    lego, synthetic, classical = kept.values()
    return Repeats(replace(data, lego=lego, synthetic=synthetic, classical=classical), sentences)
