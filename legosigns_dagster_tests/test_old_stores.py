"""A store that version 0.1.0 wrote still loads: `stores/0.1.0`, small images and the record of a real training."""

import shutil
from pathlib import Path

import pytest

from legosigns_dagster.assets.lineage import origins_in_run
from legosigns_dagster.assets.report import earlier_points
from legosigns_dagster.cli import main
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_record import TrainingRecord
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.bootstrap import Verdict
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.core.report.notes import build_notes
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.logs import SILENT

OLD = ROOT / "legosigns_dagster_tests" / "stores" / "0.1.0"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A copy, since files are shared with what is loaded."""
    return Path(shutil.copytree(OLD, tmp_path / "store"))


@pytest.fixture
def snapshots(store: Path) -> SnapshotStore:
    return SnapshotStore(LocalObjectStore(store), store / "cache", "legosigns/")


def load(snapshots: SnapshotStore, asset: str, folder: Path) -> Path:
    snapshots.load(snapshots.find(asset), folder / asset)
    return folder / asset


@pytest.fixture
def record(snapshots: SnapshotStore, tmp_path: Path) -> TrainingRecord:
    record = Weights.load(load(snapshots, "model_weights", tmp_path)).record
    assert record
    return record


def test_settings_have_their_new_names_and_their_old_values(record: TrainingRecord) -> None:
    assert record.settings == TrainingSettings(image_size=256)
    assert record.images["shown in an epoch"] == 454
    assert set(record.versions) == {"raw_annotations", "synthetic_set", "classical_signs"}


def test_the_weights_that_were_tried_and_selected_are_the_same(record: TrainingRecord) -> None:
    assert record.selection
    assert [one.alpha for one in record.selection.candidates] == [0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert record.selection.selected.alpha == 0.7
    assert record.selection.selected.score.lego_map50 == pytest.approx(0.9522, abs=1e-4)
    assert record.run.seconds == 361.2
    assert record.run.resumed_from_epoch == 0


def test_weights_of_a_time_without_contracts_have_none(snapshots: SnapshotStore, tmp_path: Path) -> None:
    assert Weights.load(load(snapshots, "model_weights", tmp_path)).contract is None


def test_old_weights_can_be_reported_on(snapshots: SnapshotStore, tmp_path: Path) -> None:
    weights = Weights.load(load(snapshots, "model_weights", tmp_path))
    images = origins_in_run(snapshots, "old-run", ("raw_annotations", "classical_signs"))
    notes = build_notes("new-run", weights, earlier_points(snapshots, images), [])
    assert "ema_decay 0.9" in notes.facts["settings"]
    assert "alpha 0.7" in notes.trade_off
    assert 'class="earlier"' in notes.trade_off, "the comparison in the old store is shown as an earlier one"


def test_old_weights_that_are_saved_again_load_again(snapshots: SnapshotStore, tmp_path: Path) -> None:
    folder = load(snapshots, "model_weights", tmp_path)
    shutil.copytree(folder, tmp_path / "own")
    old = Weights.load(tmp_path / "own")
    assert Weights.load(old.save()) == old
    assert "trained_on" not in (tmp_path / "own" / "weights.json").read_text()


def test_weights_that_people_gave_have_no_record(snapshots: SnapshotStore, tmp_path: Path) -> None:
    base = Weights.load(load(snapshots, "base_weights", tmp_path))
    assert base.record is None
    assert base.downloads == ()


def test_an_old_verdict_has_the_word_of_today(snapshots: SnapshotStore, tmp_path: Path) -> None:
    comparison = ComparisonReport.load(load(snapshots, "comparison_report", tmp_path)).comparison
    assert set(comparison.table["verdict"]) == {"", "better", "worse", Verdict.INCONCLUSIVE}


def test_old_datasets_have_all_their_tables(snapshots: SnapshotStore, tmp_path: Path) -> None:
    dataset = Dataset.load(load(snapshots, "raw_annotations", tmp_path))
    assert len(dataset.images) == 2
    assert dataset.quarantine["reason"].tolist() == ["unknown_class"]
    for asset in ("classical_signs", "synthetic_set"):
        assert len(Dataset.load(load(snapshots, asset, tmp_path)).images) == 2
    assert len(Backgrounds.load(load(snapshots, "backgrounds", tmp_path))) == 2


def test_an_extraction_in_which_nothing_changed_takes_the_old_version_over(
    snapshots: SnapshotStore, tmp_path: Path
) -> None:
    previous = PreviousVersion.load(load(snapshots, "raw_annotations", tmp_path))
    assert [task.id for task in previous.tasks] == ["1", "2", "3"]
    unchanged = Extraction(list(previous.tasks), [], previous.state, frozenset({"1", "2", "3"}))
    (into := tmp_path / "new").mkdir()
    dataset = extract_dataset(unchanged, previous, fetch_nothing, Recipe(CLASSES), into, SILENT)
    assert folder_digest(index_folder(dataset.save())) == snapshots.find("raw_annotations").digest


def fetch_nothing(url: str, into: Path) -> Path:
    raise AssertionError(f"{url} is fetched again")


def test_the_command_reports_on_an_old_store(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGOSIGNS_STORE", str(store))
    main(["report"])
    printed = capsys.readouterr().out
    assert "0.000 inconclusive" in printed
    assert printed.endswith("traffic-signs/old-run/comparison.html\n")
