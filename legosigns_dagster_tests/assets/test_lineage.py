"""The report compares only what belongs together; otherwise it refuses before anything is scored."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster.assets import dataset, report, sources, weights
from legosigns_dagster.assets.lineage import known_origins
from legosigns_dagster.assets.report import earlier_points
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, Split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_record import TrainingRecord, TrainingRun
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.files import SavedAsFolder, short_digest
from legosigns_dagster.core.lineage import write_made_from
from legosigns_dagster.deployments import deployment
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset

ASSETS: Any = dg.load_assets_from_modules([sources, dataset, weights, report])
SCORED = "the weights are evaluated"


class UnexpectedDetector:
    """A detector that only tells that it was asked: what follows takes time."""

    def open_engine(self, *_: Any) -> None:
        raise AssertionError(SCORED)


class Place:
    """A store with base weights, datasets, and weights that were trained with them, all by one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = LocalStore(folder=str(folder / "store"))
        self.base = self.save("base_weights", self.make_base("old base"))
        self.lego = self.save("raw_annotations", self.make_images(TRAIN, VAL))
        self.classical = self.save("classical_signs", self.make_images(TRAIN, TRAIN, VAL))
        self.train()

    def save(self, asset: str, value: Any, run_id: str = "first") -> Any:
        self.store.snapshots().save(asset, run_id, value.save())
        return value

    def new_folder(self) -> Path:
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        return folder

    def make_base(self, content: str, image_size: int = 64) -> Weights:
        base = Weights(self.new_folder(), CLASSES, image_size)
        base.file.write_text(content)
        return base

    def make_images(self, *splits: Split) -> Dataset:
        return make_dataset(self.new_folder(), *splits)

    def train(self, run_id: str = "first", left_out: Sequence[str] = ()) -> None:
        """Store new weights, whose record does not have the digests of the assets that are left out."""
        given: dict[str, SavedAsFolder] = {"raw_annotations": self.lego, "classical_signs": self.classical}
        versions = {name: short_digest(value) for name, value in given.items()}
        versions["base_weights"] = self.base.short_digest()
        kept = {name: digest for name, digest in versions.items() if name not in left_out}
        record = TrainingRecord(TrainingSettings(), {}, kept, (), None, None, TrainingRun(1.0, 1))
        new = replace(self.make_base("trained"), record=record)
        for name in ("model.onnx", "results.csv"):
            (new.folder / name).write_text("epoch\n1\n")
        self.save("model_weights", new, run_id)

    def report(self) -> str:
        """Materialize the report alone, and return why that failed: the detector fails where it is asked at all."""
        scratch = Scratch(store=self.store)
        with dg.DagsterInstance.ephemeral() as instance:
            done = dg.materialize(
                ASSETS, selection=["comparison_report"], instance=instance, raise_on_error=False,
                resources={**deployment({}).resources, "store": self.store, "scratch": scratch,
                           "detector": UnexpectedDetector(),
                           "io_manager": FolderIOManager(store=self.store, scratch=scratch)},
            )  # fmt: skip
            logged = " ".join(event.user_message for event in instance.all_logs(done.run_id))
        (failure,) = (event.step_failure_data for event in done.all_events if event.is_step_failure)
        return f"{failure.error} {logged}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def split_anew(place: Place) -> None:
    place.save("raw_annotations", place.make_images(VAL, TRAIN), "second")


def replace_classical_signs(place: Place) -> None:
    place.save("classical_signs", place.make_images(TRAIN, VAL), "second")


def replace_base(place: Place) -> None:
    place.save("base_weights", place.make_base("another base"), "second")


def replace_base_of_weights_without_its_digest(place: Place) -> None:
    """As they were trained before the base's digest was recorded; the run that trained them tells which it was."""
    place.train(left_out=["base_weights"])
    replace_base(place)


def split_anew_below_weights_without_any_digest(place: Place) -> None:
    place.train(left_out=["base_weights", "raw_annotations", "classical_signs"])
    split_anew(place)


def train_on_a_new_split_and_take_the_old_one_back(place: Place) -> None:
    """Two versions in the store, and the pointer was put back by hand."""
    old = place.lego
    place.lego = place.save("raw_annotations", place.make_images(VAL, TRAIN), "second")
    place.train("second")
    place.save("raw_annotations", old, "first")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (split_anew, "raw_annotations"),
        (replace_classical_signs, "classical_signs"),
        (replace_base, "base_weights"),
        (replace_base_of_weights_without_its_digest, "base_weights"),
        (split_anew_below_weights_without_any_digest, "raw_annotations"),
        (train_on_a_new_split_and_take_the_old_one_back, "raw_annotations"),
    ],
)
def test_strangers_are_not_compared(change: Callable[[Place], None], named: str, place: Place) -> None:
    change(place)
    told = place.report()
    assert f"model_weights does not belong to what it is used with: it was made from {named} " in told
    assert "--select 'synthetic_set,model_weights,comparison_report'" in told
    assert SCORED not in told


def change_nothing(place: Place) -> None:
    pass


def make_all_again_with_equal_content(place: Place) -> None:
    for asset, value in (("raw_annotations", place.lego), ("classical_signs", place.classical)):
        place.save(asset, value, "second")


def store_the_same_base_in_another_form(place: Place) -> None:
    """Another version of the package may write other facts beside the same checkpoint."""
    place.save("base_weights", place.make_base("old base", image_size=96), "second")


@pytest.mark.parametrize(
    "change", [change_nothing, make_all_again_with_equal_content, store_the_same_base_in_another_form]
)
def test_what_belongs_together_is_compared(change: Callable[[Place], None], place: Place) -> None:
    change(place)
    told = place.report()
    assert SCORED in told
    assert "does not say" not in told


def test_where_nobody_knows_what_weights_were_trained_with_a_warning_says_so(place: Place) -> None:
    place.train("another run", left_out=["base_weights"])
    told = place.report()
    assert SCORED in told
    assert "model_weights does not say which base_weights it was made from" in told


def test_what_an_older_synthetic_set_was_made_from_is_told_by_its_run(place: Place) -> None:
    synthetic = place.save("synthetic_set", place.make_images(TRAIN))
    snapshots = place.store.snapshots()
    loaded = replace(synthetic, index=snapshots.find("synthetic_set").files)
    told = known_origins(snapshots, "synthetic_set", loaded, {}, ["raw_annotations"])
    assert told == {"raw_annotations": short_digest(place.lego)}
    place.save("synthetic_set", place.make_images(TRAIN, TRAIN), "another run")
    alone = replace(synthetic, index=snapshots.find("synthetic_set").files)
    assert known_origins(snapshots, "synthetic_set", alone, {}, ["raw_annotations"]) == {}
    recorded = {"raw_annotations": "a" * 12}
    assert known_origins(snapshots, "synthetic_set", loaded, recorded, ["raw_annotations"]) == recorded


def store_report(place: Place, run_id: str, value: float, made_from: dict[str, str]) -> None:
    """Store a report whose new weights have this mAP50-95 on both slices."""
    folder = place.new_folder()
    figures = {one.title: {"all": {"map50_95": {"new": value}}} for one in Slice}
    (folder / "metrics.json").write_text(json.dumps(figures))
    write_made_from(made_from, folder)
    place.store.snapshots().save("comparison_report", run_id, folder)


def test_earlier_figures_stand_beside_new_ones_only_where_they_are_of_the_same_images(place: Place) -> None:
    images = {"raw_annotations": short_digest(place.lego), "classical_signs": short_digest(place.classical)}
    store_report(place, "the same", 0.1, images | {"base_weights": "a" * 12})
    store_report(place, "another split", 0.2, images | {"raw_annotations": "b" * 12})
    store_report(place, "first", 0.3, {})
    store_report(place, "nobody knows", 0.4, {})
    assert sorted(earlier_points(place.store.snapshots(), images)) == [(0.1, 0.1), (0.3, 0.3)]
