from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.training.fine_tuning import TrainingWorkspace, fine_tune, resolve_image_size
from legosigns_dagster.core.training.training_data import TrainingData, write_training_folder
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.detectors.ultralytics.training.prediction_recorder import image_key
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset
from legosigns_dagster_tests.support.logs import SILENT


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return TrainingData(
        make_dataset(tmp_path / "lego", TRAIN, TRAIN, VAL),
        make_dataset(tmp_path / "synthetic", TRAIN, TRAIN, TRAIN, origin="synthetic"),
        make_dataset(tmp_path / "classical", *[TRAIN] * 10, VAL, VAL, origin="classical"),
    )


@pytest.fixture
def base(tmp_path: Path) -> Weights:
    return Weights(tmp_path, CLASSES, 64)


def test_every_val_image_has_its_slice_by_the_folder_in_which_it_lies(data: TrainingData, tmp_path: Path) -> None:
    """Ultralytics reports an image by this folder and name: with another key its epoch would have no score."""
    folder = write_training_folder(data, TrainingSettings(), tmp_path / "yolo")
    written = {image_key(file) for file in (tmp_path / "yolo" / "images").glob("val-*/*")}
    assert set(folder.slices) == written
    assert [*folder.slices.values()].count(Slice.CLASSICAL) == 2
    assert [*folder.slices.values()].count(Slice.LEGO) == 1


@pytest.mark.parametrize("settings", [{"replay": 1.1}, {"epochs": 0}, {"learning_rate": 0}, {"batch": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        TrainingSettings(**settings)


def train(base: Weights, data: TrainingData, tmp_path: Path, **settings: int) -> Weights:
    work, into = tmp_path / "work", tmp_path / "into"
    work.mkdir()
    into.mkdir()
    workspace = TrainingWorkspace(work, into, SILENT)
    return fine_tune(UltralyticsDetector(), base, data, TrainingSettings(**settings), workspace)


def test_data_of_other_classes_is_refused_before_any_time_is_spent(
    base: Weights, data: TrainingData, tmp_path: Path
) -> None:
    swapped = replace(data.classical, classes=SignClasses(CLASSES.names[::-1]))
    with pytest.raises(ValueError, match="classical_signs has the classes"):
        train(base, replace(data, classical=swapped), tmp_path)


def test_synthetic_images_that_were_made_from_other_annotated_images_are_refused(
    base: Weights, data: TrainingData, tmp_path: Path
) -> None:
    """They may show what is val now: their scenes were train images then."""
    others = replace(data.synthetic, made_from={"raw_annotations": "0" * 12})
    with pytest.raises(ValueError, match="synthetic_set does not belong to what it is used with") as raised:
        train(base, replace(data, synthetic=others), tmp_path)
    assert "--select 'synthetic_set,model_weights'" in str(raised.value)


@pytest.mark.parametrize(
    ("images", "known", "caveats"),
    [(3, True, 0), (3, False, 1), (0, False, 0)],
    ids=["made from these", "nobody knows from which", "there are none"],
)
def test_what_is_not_known_about_synthetic_images_is_a_caveat(
    images: int, known: bool, caveats: int, data: TrainingData
) -> None:
    versions = data.versions() if known else {}
    synthetic = replace(data.synthetic if images else data.synthetic.part(), made_from=versions)
    assert len(replace(data, synthetic=synthetic).require_lineage()) == caveats


def test_a_dataset_without_a_val_part_is_refused(base: Weights, data: TrainingData, tmp_path: Path) -> None:
    only_train: Dataset = make_dataset(tmp_path / "more", TRAIN, TRAIN)
    with pytest.raises(ValueError, match="{'train': 2} images, expected some in train and in val"):
        train(base, replace(data, lego=only_train), tmp_path)


@pytest.mark.parametrize("name", ["image_size", "serving_size"])
def test_a_size_that_the_network_cannot_take_is_refused(name: str, base: Weights) -> None:
    settings = TrainingSettings.model_validate({"image_size": 640, name: 416})
    with pytest.raises(ValueError, match=f"{name} is 416, expected a multiple of 64: use 384"):
        resolve_image_size(settings, base, step=64)
