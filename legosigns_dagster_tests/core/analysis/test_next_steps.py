"""What to do next."""

from pathlib import Path

from legosigns_dagster.core.analysis.next_steps import NO_ERRORS, next_steps
from legosigns_dagster.core.analysis.slice_analysis import analyze_slice
from legosigns_dagster.core.dataset.dataset import VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster_tests.support.builders import CLASSES, evaluation, make_dataset

IMAGES = 8


def steps(dataset: Dataset, *new: tuple[int, int, float]) -> list[str]:
    """The advice for weights that find these boxes: number of the image, number of its box, confidence."""
    results = SliceResults("LEGO signs", dataset, evaluation(dataset), evaluation(dataset, *new))
    return next_steps([analyze_slice(results, image_size=640)])


def test_the_advice_names_the_class_the_size_and_the_scene(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *[VAL] * IMAGES)
    found = [(image, 0, 0.9) for image in range(IMAGES - 1)] + [(image, 1, 0.9) for image in range(3)]
    by_class, by_size, by_scene = steps(dataset, *found)
    assert by_class == (
        "Class: DangerAhead among LEGO signs has 5 of the 6 errors of the new weights, 5 of them missed: "
        "annotate more images with it."
    )
    assert by_size.startswith("Size: large signs among LEGO signs are the weakest, with mAP50 0.")
    assert by_size.endswith("on 16 boxes: photograph signs from nearby.")
    assert by_scene.startswith("Scene: 2 of the 6 errors are in the scene of 7.jpg: photograph other places like it")


def test_the_size_is_the_one_on_which_the_new_weights_reach_least(tmp_path: Path) -> None:
    boxes = (LabeledBox(0, PixelBox(0, 0, 20, 20)), LabeledBox(0, PixelBox(100, 100, 150, 150)))
    images = [LabeledImage(f"{n}.jpg", "", (640, 480), boxes, VAL, f"g{n}", "classical") for n in range(IMAGES)]
    dataset = Dataset.from_images(tmp_path, CLASSES, images)
    _, by_size, _ = steps(dataset, *((n, 0, 0.9) for n in range(IMAGES)))
    assert by_size == (
        "Size: medium signs among LEGO signs are the weakest, with mAP50 0.000 on 8 boxes: "
        "photograph signs from a middle distance."
    )


def test_without_an_error_there_is_one_sentence(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *[VAL] * IMAGES)
    assert steps(dataset, *((image, box, 0.9) for image in range(IMAGES) for box in (0, 1))) == [NO_ERRORS]


def test_of_a_few_boxes_no_size_is_judged(tmp_path: Path) -> None:
    by_class, by_scene = steps(make_dataset(tmp_path, VAL))
    assert by_class.startswith("Class: ")
    assert by_scene.startswith("Scene: ")


def test_without_images_there_is_no_advice() -> None:
    assert next_steps([]) == []
