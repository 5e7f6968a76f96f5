"""The folder that a training is shown."""

from pathlib import Path

import pytest
import yaml

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.training.training_data import TrainingData, choose_replay, write_training_folder
from legosigns_dagster_tests.support.builders import make_dataset


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return TrainingData(
        make_dataset(tmp_path / "lego", TRAIN, TRAIN, VAL, TEST),
        make_dataset(tmp_path / "synthetic", TRAIN, TRAIN, TRAIN, origin="synthetic"),
        make_dataset(tmp_path / "classical", *[TRAIN] * 4, VAL, VAL, TEST, origin="classical"),
    )


def test_the_val_images_of_both_slices_are_kept_apart_and_each_has_its_slice(
    data: TrainingData, tmp_path: Path
) -> None:
    folder = write_training_folder(data, TrainingSettings(), tmp_path / "yolo")
    written = {f"{file.parent.name}/{file.name}" for file in (tmp_path / "yolo/images").glob("val-*/*")}
    assert set(folder.slices) == written
    assert {key: one for key, one in folder.slices.items() if one is Slice.CLASSICAL}.keys() == {
        key for key in written if key.startswith("val-classical/")
    }
    assert sorted(one.value for one in folder.slices.values()) == ["classical", "classical", "lego"]
    described = yaml.safe_load(folder.data_yaml.read_text())
    assert described["val"] == ["images/val-classical", "images/val-lego"]


def test_a_slice_without_val_images_is_no_folder_that_a_training_would_look_into(
    data: TrainingData, tmp_path: Path
) -> None:
    only_lego = TrainingData(data.lego, data.synthetic, data.classical.part())
    folder = write_training_folder(only_lego, TrainingSettings(), tmp_path / "yolo")
    assert set(folder.slices.values()) == {Slice.LEGO}
    assert yaml.safe_load(folder.data_yaml.read_text())["val"] == ["images/val-lego"]


def test_an_epoch_shows_lego_images_several_times_and_no_image_of_val_or_test(
    data: TrainingData, tmp_path: Path
) -> None:
    settings = TrainingSettings(replay=0.5, lego_repeats=3)
    folder = write_training_folder(data, settings, tmp_path / "yolo")
    shown = [Path(line) for line in (tmp_path / "yolo/train.txt").read_text().splitlines()]
    assert [file.parent.name for file in shown] == ["train-lego"] * 6 + ["train-synthetic"] * 3 + ["train-replay"] * 2
    assert len(set(shown)) == 2 + 3 + 2
    assert all(file.is_file() for file in shown)
    assert folder.counts == {"train lego": 2, "train synthetic": 3, "train replay": 2, "shown in an epoch": 11}


@pytest.mark.parametrize(("replay", "count"), [(0, 0), (0.5, 2), (1, 4)])
def test_replay_is_a_share_of_the_classical_train_images(data: TrainingData, replay: float, count: int) -> None:
    chosen = choose_replay(data.classical, TrainingSettings(replay=replay))
    assert len(chosen) == count
    assert {image.split for image in chosen} <= {TRAIN}
