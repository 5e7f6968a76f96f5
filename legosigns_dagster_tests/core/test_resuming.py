"""A training that ends in the middle and goes on in another process. Slow: each test trains a network."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from legosigns_dagster import sample
from legosigns_dagster.core.checkpoints import training_key
from legosigns_dagster.core.dataset import TRAIN, VAL
from legosigns_dagster.core.detector import Weights
from legosigns_dagster.core.files import digest_of, index_folder
from legosigns_dagster.core.training import Bench, fine_tune
from legosigns_dagster.core.training_folder import TrainingData
from legosigns_dagster.core.training_settings import TrainingSettings
from legosigns_dagster.core.ultralytics_detector import UltralyticsDetector
from legosigns_dagster_tests.builders import CLASSES, make_dataset

pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own warnings are not ours to mend

EPOCHS = 4
IMAGES = 10  # that an epoch shows: two real ones three times, two synthetic and two classical ones


@dataclass
class Shelf:
    """Checkpoints in a folder; the process that puts the state of epoch `dies_after` there is no more."""

    folder: Path
    dies_after: int = 0
    kept: list[str] = field(default_factory=list)

    def fetch(self, key: str, into: Path) -> bool:
        if found := (self.folder / key).is_file():
            shutil.copyfile(self.folder / key, into)
        return found

    def keep(self, key: str, file: Path) -> None:
        shutil.move(file, self.folder / key)
        self.kept.append(key)
        if len(self.kept) == self.dies_after:
            raise KeyboardInterrupt


@dataclass
class Attempt:
    """One process's part of a training."""

    weights: Weights
    said: list[str]

    @property
    def digest(self) -> str:
        return digest_of(index_folder(self.weights.save()))

    @property
    def trained(self) -> list[str]:
        return [line.split(":")[0] for line in self.said if line.startswith("epoch ")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("base")
    shutil.copyfile(sample.FOLDER / "base.pt", folder / "best.pt")
    return Weights(folder, CLASSES, 256)


def attempt(base: Weights, folder: Path, shelf: Shelf | None, **given: Any) -> Attempt:
    """A training in a folder of its own; settings may be given."""
    names = ("real", "synthetic", "classical")
    splits: dict[str, tuple[str, ...]] = {"classical": (TRAIN, TRAIN, VAL)} | given.pop("splits", {})
    data = TrainingData(*(make_dataset(folder / name, *splits.get(name, (TRAIN, TRAIN, VAL))) for name in names))
    for name in ("work", "into"):
        (folder / name).mkdir()
    said: list[str] = []
    bench = Bench(folder / "work", folder / "into", said.append, checkpoints=shelf)
    plain = {"epochs": EPOCHS, "image_size": 64, "batch": 2, "mosaic": 0.5, "interpolate": False}
    return Attempt(fine_tune(UltralyticsDetector(), base, data, TrainingSettings(**{**plain, **given}), {}, bench), said)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    (tmp_path / "shelf").mkdir()
    return Shelf(tmp_path / "shelf")


@pytest.mark.parametrize("after", range(1, EPOCHS + 1))
@pytest.mark.parametrize("batch", [2, 4])
def test_a_training_that_went_on_leaves_the_bytes_of_one_that_was_never_interrupted(
    base: Weights, shelf: Shelf, tmp_path: Path, after: int, batch: int
) -> None:
    for name in ("whole", "first", "second"):
        (tmp_path / name).mkdir()
    whole = attempt(base, tmp_path / "whole", None, batch=batch)
    shelf.dies_after = after
    with pytest.raises(KeyboardInterrupt):
        attempt(base, tmp_path / "first", shelf, batch=batch)
    second = attempt(base, tmp_path / "second", Shelf(shelf.folder), batch=batch)
    assert second.trained == [f"epoch {number}/{EPOCHS}" for number in range(after + 1, EPOCHS + 1)]
    assert pd.read_csv(second.weights.folder / "results.csv")["epoch"].tolist() == [*range(1, EPOCHS + 1)]
    assert second.digest == whole.digest
