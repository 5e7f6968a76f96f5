"""A training that ends in the middle and goes on in another process. Slow: each test trains a network."""

import functools
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from legosigns_dagster import sample
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL
from legosigns_dagster.core.detector.checkpoints import Checkpoints, training_key
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.training.training_data import TrainingData, write_training_folder
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset
from legosigns_dagster_tests.support.full_disk import largest_file
from legosigns_dagster_tests.support.logs import RecordedLog

pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own warnings are not ours to mend

EPOCHS = 4  # of nine images: two LEGO ones three times, two synthetic ones, and a classical one


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
    """One process's part of a training: the folder that it left, what it said, and what was done already."""

    left: Path
    log: RecordedLog
    done: int = 0

    @property
    def digest(self) -> str:
        return folder_digest(index_folder(self.left))

    @property
    def trained(self) -> list[str]:
        return [line.split(":")[0] for line in self.log.lines if line.startswith("epoch ")]


@dataclass
class Place:
    """Where a training is tried: the base, and a folder in which each attempt has its own."""

    folder: Path
    base: Weights

    def attempt(self, name: str, shelf: Checkpoints | None, **given: Any) -> Attempt:
        """A training on a handful of images; settings may be given."""
        own = self.folder / name
        lego, synthetic = (make_dataset(own / kind, TRAIN, TRAIN, VAL) for kind in ("lego", "synthetic"))
        old = make_dataset(own / "classical", TRAIN, VAL)
        for folder in ("work", "into"):
            (own / folder).mkdir()
        plain = {"epochs": EPOCHS, "image_size": 64, "batch": 2, "mosaic": 0.5, "interpolate": False}
        settings = TrainingSettings(**{**plain, **given})
        data = TrainingData(lego, synthetic, old)
        written = write_training_folder(data, settings, own / "work")
        key = training_key(self.base.file, settings, {})
        score = Score(0.5, 0.5, 0.5)
        job = TrainingJob(written.data_yaml, written.slices, 2, settings, score, checkpoints=shelf, key=key)
        attempt = Attempt(own / "into", RecordedLog())
        attempt.done = UltralyticsDetector().fine_tune(self.base, job, own / "into", attempt.log)
        return attempt

    def shelf(self, dies_after: int = 0) -> Shelf:
        (self.folder / "shelf").mkdir(exist_ok=True)
        return Shelf(self.folder / "shelf", dies_after)

    def died_after(self, epoch: int, **given: Any) -> None:
        """Leave the state of a training that died then."""
        with pytest.raises(KeyboardInterrupt):
            self.attempt(f"died-after-{epoch}", self.shelf(epoch), **given)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("base")
    shutil.copyfile(sample.FOLDER / "base.pt", folder / "best.pt")
    return Weights(folder, CLASSES, 256)


@pytest.fixture(scope="module")
def whole(base: Weights, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Attempt]:
    """A training with this batch that was never interrupted."""

    @functools.cache
    def train(batch: int) -> Attempt:
        return Place(tmp_path_factory.mktemp("whole"), base).attempt("whole", None, batch=batch)

    return train


@pytest.fixture
def place(base: Weights, tmp_path: Path) -> Place:
    return Place(tmp_path, base)


@pytest.mark.parametrize(
    ("batch", "after"),
    [
        pytest.param(3, 1, id="9 images in batches of 3, before the last mosaic"),
        pytest.param(3, 2, id="when mosaics end"),
        pytest.param(3, 3, id="after the last mosaic"),
        pytest.param(4, 1, id="the last batch is not full, before the last mosaic"),
        pytest.param(4, 3, id="the last batch is not full, after the last mosaic"),
        pytest.param(4, EPOCHS, id="after the last epoch"),
    ],
)
def test_a_training_that_went_on_leaves_the_bytes_of_one_that_was_never_interrupted(
    place: Place, whole: Callable[[int], Attempt], batch: int, after: int
) -> None:
    place.died_after(after, batch=batch)
    second = place.attempt("second", place.shelf(), batch=batch)
    assert second.trained == [f"epoch {number}/{EPOCHS}" for number in range(after + 1, EPOCHS + 1)]
    assert second.done == after
    assert pd.read_csv(second.left / "results.csv")["epoch"].tolist() == [*range(1, EPOCHS + 1)]
    assert second.digest == whole(batch).digest


class Damaged:
    """A shelf on which only the beginning of each state is left."""

    def fetch(self, key: str, into: Path) -> bool:
        into.write_bytes(b"PK\3\4 and no more")
        return True

    def keep(self, key: str, file: Path) -> None:
        pass


def test_a_damaged_state_is_a_warning_and_the_training_starts_from_the_beginning(place: Place) -> None:
    attempt = place.attempt("damaged", Damaged(), epochs=1)
    (line,) = [line for line in attempt.log.warnings if "damaged" in line]
    assert line.startswith("the state of an interrupted training is damaged, this training starts from the beginning")
    assert attempt.trained == ["epoch 1/1"]
    assert attempt.done == 0


def test_on_a_disk_too_full_for_its_state_a_training_goes_on_with_a_warning(place: Place) -> None:
    shelf = place.shelf()
    with largest_file(30 * 10**6):  # the last and the best epoch fit, the whole state does not
        attempt = place.attempt("full", shelf, epochs=1)
    assert shelf.kept == []
    assert attempt.trained == ["epoch 1/1"]
    assert (attempt.left / "best.pt").stat().st_size > 10**6
    (line,) = [line for line in attempt.log.warnings if "no space is left" in line]
    assert re.search(r"the training goes on, but cannot be resumed after epoch 1: .*about \d{2,3} MB are needed", line)


def test_patience_is_not_given_anew(place: Place) -> None:
    """With steps too small to change anything, the first epoch is the best and two more are waited for."""
    given: dict[str, Any] = {"epochs": 50, "patience": 2, "batch": 9, "learning_rate": 1e-12, "ema_decay": 0}
    place.died_after(2, **given)
    second = place.attempt("second", place.shelf(), **given)
    assert second.trained == ["epoch 3/50"]
