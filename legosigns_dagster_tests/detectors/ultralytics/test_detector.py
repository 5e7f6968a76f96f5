"""The real library on the sample's weights. Slow: each test runs a network."""

import csv
import re
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from legosigns_dagster import sample
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo, write_data_yaml, write_split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import ignore_epoch
from legosigns_dagster.core.detector.training_record import TrainingRecord
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.images.stored_image import open_upright
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.report.compare_weights import compare_weights
from legosigns_dagster.core.training.caveats import NO_CLASSICAL
from legosigns_dagster.core.training.fine_tuning import TrainingWorkspace, fine_tune
from legosigns_dagster.core.training.interpolation import ALPHAS, DEFAULT_ALPHA
from legosigns_dagster.core.training.training_data import TrainingData
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector, library
from legosigns_dagster.detectors.ultralytics.training.memory import measure_memory
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.evaluations import evaluate_dataset
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog

pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own warnings are not ours to mend


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("base")
    (folder / "best.pt").write_bytes((sample.FOLDER / "base.pt").read_bytes())
    classes, size = UltralyticsDetector().read(folder / "best.pt")
    return Weights(folder, classes, size)


@pytest.fixture(scope="module")
def classical(base: Weights, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    into = tmp_path_factory.mktemp("classical")
    return read_yolo(sample.FOLDER / "classical-signs", base.classes, into, "classical", SILENT)


def test_weights_tell_their_classes_and_the_size_they_were_trained_at(base: Weights) -> None:
    assert (base.classes.names, base.image_size) == (("SpeedLimit", "DangerAhead"), 256)


def test_a_file_that_is_no_detector_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "other.pt").write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"other\.pt is not an Ultralytics detector"):
        UltralyticsDetector().read(tmp_path / "other.pt")


def test_a_classifier_is_refused_by_name(tmp_path: Path) -> None:
    with library() as ultralytics:
        ultralytics.YOLO("yolov8n-cls.yaml").save(tmp_path / "classifier.pt")
    with pytest.raises(ValueError, match=r"classifier\.pt is (a model for 'classify'|not an Ultralytics detector)"):
        UltralyticsDetector().read(tmp_path / "classifier.pt")


def test_the_figures_are_nearly_those_of_yolo_val(base: Weights, classical: Dataset, tmp_path: Path) -> None:
    """Not to the last digit: `yolo val` pads an image to a rectangle, and a served model takes a square."""
    part = classical.part(VAL)
    ours = evaluate_dataset(UltralyticsDetector(), base, part, 256).metrics.set_index("class_name")
    write_split(part, part.folder, "val", tmp_path / "theirs")
    data = write_data_yaml(tmp_path / "theirs", "images/val", "images/val", base.classes)
    with library() as ultralytics:
        theirs = ultralytics.YOLO(base.file).val(
            data=str(data), imgsz=256, plots=False, verbose=False, workers=0, project=str(tmp_path), name="val"
        )
    columns = ["precision", "recall", "map50", "map50_95"]
    assert ours.loc["all", columns].tolist() == pytest.approx(theirs.mean_results(), abs=5e-3)
    for index, name in enumerate(base.classes.names):
        assert ours.loc[name, columns].tolist() == pytest.approx(theirs.class_result(index), abs=5e-3)


def test_detections_are_in_pixels_of_the_image(base: Weights, classical: Dataset) -> None:
    part = classical.part(VAL)
    detections = evaluate_dataset(UltralyticsDetector(), base, part, 256).detections
    truth = {image.file: image for image in part}
    hits = 0
    for row in detections.itertuples():
        boxes = truth[row.file].boxes
        hits += any(min(abs(row.left - b.box.left), abs(row.bottom - b.box.bottom)) < 4 for b in boxes)
    assert hits > 0.8 * len(detections) > 20


def test_a_sign_is_seen_where_there_is_one(base: Weights, classical: Dataset) -> None:
    with_sign = [classical.folder / str(f) for f in classical.part(VAL).images["file"][:6]]
    without = sorted((sample.FOLDER / "backgrounds").glob("*.jpg"))[:6]
    seen = UltralyticsDetector().sees_sign(base, with_sign + without)
    assert sum(seen[:6]) >= 5
    assert sum(seen[6:]) <= 1


def parts_in(folder: Path) -> TrainingData:
    """A handful of images of each kind."""
    names = ("lego", "synthetic", "classical")
    return TrainingData(*(make_dataset(folder / name, TRAIN, TRAIN, VAL) for name in names))


def train(base: Weights, data: TrainingData, folder: Path, log: Log = SILENT, **given: Any) -> Weights:
    """A short training; `on_epoch_end` and settings may be given."""
    for name in ("work", "into"):
        (folder / name).mkdir()
    workspace = TrainingWorkspace(folder / "work", folder / "into", log, given.pop("on_epoch_end", ignore_epoch))
    settings = TrainingSettings(**{"epochs": 2, "image_size": 64, "batch": 2, **given})
    return fine_tune(UltralyticsDetector(), base, data, settings, workspace)


def record(weights: Weights) -> TrainingRecord:
    """The record that a training leaves."""
    assert weights.record
    return weights.record


@dataclass
class Trained:
    """What a training left, what it said, and how many epochs it had handed over each time."""

    weights: Weights
    log: RecordedLog
    handed_over: list[int]


@pytest.fixture(scope="module")
def trained(base: Weights, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two epochs on a handful of images, with every attempt to reach another host refused."""
    folder = tmp_path_factory.mktemp("training")
    log = RecordedLog()
    handed_over: list[int] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        raise AssertionError(f"the training wanted to reach {arguments}")

    def hand_over(epoch: Path) -> None:
        assert UltralyticsDetector().read(epoch / "best.pt")[0] == base.classes
        handed_over.append(len((epoch / "results.csv").read_text().splitlines()) - 1)

    with pytest.MonkeyPatch.context() as without_network:
        without_network.setattr(socket, "getaddrinfo", refuse)
        weights = train(base, parts_in(folder), folder, log, on_epoch_end=hand_over)
    return Trained(weights, log, handed_over)


def test_an_interrupted_training_leaves_what_it_had_since_every_epoch_is_handed_over(trained: Trained) -> None:
    assert trained.handed_over == [1, 2]


def test_the_same_seed_gives_the_same_bytes_in_another_folder(base: Weights, trained: Trained, tmp_path: Path) -> None:
    again = train(base, parts_in(tmp_path), tmp_path)
    before, after = (index_folder(weights.save()) for weights in (trained.weights, again))
    assert {file for file in before if before[file] != after[file]} <= {"about/training.json"}
    assert folder_digest(before) == folder_digest(after)


def test_a_base_with_numbers_that_are_none_is_named_before_it_is_trained(base: Weights, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    with library():
        import torch

        checkpoint = torch.load(base.file, map_location="cpu", weights_only=False)
        next(iter((checkpoint.get("ema") or checkpoint["model"]).parameters())).data.fill_(float("nan"))
        torch.save(checkpoint, tmp_path / "broken" / "best.pt")
    broken = Weights(tmp_path / "broken", base.classes, base.image_size)
    with pytest.raises(
        ValueError, match=r"broken/best\.pt cannot be evaluated: .* numbers that are not finite: its weights"
    ):
        train(broken, parts_in(tmp_path), tmp_path)


def test_without_classical_images_it_trains_and_says_what_protects_the_old_skill(base: Weights, tmp_path: Path) -> None:
    log = RecordedLog()
    data = parts_in(tmp_path)
    weights = train(base, replace(data, classical=data.classical.part()), tmp_path, log, epochs=1)
    selection = record(weights).selection
    assert NO_CLASSICAL in log.warnings
    assert NO_CLASSICAL in record(weights).caveats
    assert selection
    assert [one.alpha for one in selection.candidates] == [0.0, DEFAULT_ALPHA]
    assert selection.selected.alpha == DEFAULT_ALPHA


def test_a_budget_of_time_shortens_the_schedule_and_the_run_ends_well(base: Weights, tmp_path: Path) -> None:
    log = RecordedLog()
    train(base, parts_in(tmp_path), tmp_path, log, epochs=50, minutes=0.01, interpolate=False)
    assert any("1 epochs fit into the 0.01 minutes, not 50" in line for line in log.lines)
    assert [line.split(":")[0] for line in log.lines if line.startswith("epoch ")] == ["epoch 1/1"]


def test_a_second_training_tells_what_synthesis_contributes(base: Weights, tmp_path: Path) -> None:
    weights = train(base, parts_in(tmp_path), tmp_path, epochs=1, interpolate=False, measure_synthesis=True)
    without = record(weights).without_synthesis
    assert without
    assert 0 <= without.classical_map50_95 <= 1


def test_a_training_leaves_weights_onnx_and_a_row_an_epoch(trained: Trained) -> None:
    weights = trained.weights
    with (weights.folder / "results.csv").open() as file:
        assert [row["epoch"].strip() for row in csv.DictReader(file)] == ["1", "2"]
    assert (weights.folder / "model.onnx").stat().st_size > 1_000_000
    assert UltralyticsDetector().read(weights.file)[0] == weights.classes


def test_a_training_leaves_the_contract_of_its_onnx_file(trained: Trained) -> None:
    weights = Weights.load(trained.weights.save())
    assert weights.contract
    assert (weights.contract.classes, weights.contract.image_size) == (weights.classes, weights.image_size)
    assert "contract.json" in weights.downloads


def test_the_onnx_file_has_the_serving_size_and_the_report_says_what_it_costs(base: Weights, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    data = parts_in(tmp_path)
    weights = train(base, data, tmp_path, epochs=1, interpolate=False, serving_size=96)
    assert weights.contract
    assert weights.contract.input_shape == (1, 3, 96, 96)
    images = {Slice.CLASSICAL: data.classical.part(VAL)}
    report = compare_weights(UltralyticsDetector(), base, weights, images, [], "run", tmp_path / "report")
    page = (report.folder / "comparison.html").read_text(encoding="utf-8")
    assert re.search(
        r"served at 96 px, against 64 px.{0,60}classical signs: mAP50-95 [\d.]+ \([+-]?[\d.]+\)", page, re.S
    )


def test_every_epoch_is_logged_with_losses_metrics_and_time_left(trained: Trained) -> None:
    for number in (1, 2):
        (line,) = [line for line in trained.log.lines if line.startswith(f"epoch {number}/2")]
        assert all(
            word in line for word in ("box_loss", "cls_loss", "classical mAP50-95", "LEGO mAP50", "images/s", "left")
        )


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_interpolated_weights_lie_between_the_base_and_the_trained_ones(
    alpha: float, base: Weights, trained: Trained, tmp_path: Path
) -> None:
    UltralyticsDetector().interpolate(base, trained.weights.file, alpha, tmp_path / "between.pt")
    with library() as ultralytics:
        files = (base.file, trained.weights.file, tmp_path / "between.pt")
        first, last, between = (ultralytics.YOLO(file).model.float().state_dict() for file in files)
    changed = [name for name in first if not first[name].equal(last[name])]
    assert len(changed) > 50
    for name in changed:
        assert between[name].numpy() == pytest.approx((first[name].lerp(last[name], alpha)).numpy(), abs=2e-3)


def test_the_interpolated_weights_that_were_tried_are_logged_and_the_selected_ones_come_back(trained: Trained) -> None:
    selection = record(trained.weights).selection
    assert selection
    assert [one.alpha for one in selection.candidates] == [0.0, *ALPHAS]
    assert len([line for line in trained.log.lines if line.startswith("alpha ")]) == len(ALPHAS)
    assert f"selected: {selection.selected}" in trained.log.lines
    file = trained.weights.folder.parent / "work" / f"alpha-{selection.selected.alpha}.pt"
    assert trained.weights.file.read_bytes() == file.read_bytes()


def test_the_statistics_of_the_base_are_kept(base: Weights, trained: Trained) -> None:
    with library() as ultralytics:
        before, after = (
            ultralytics.YOLO(file).model.float().state_dict() for file in (base.file, trained.weights.file)
        )
    means = [key for key in before if key.endswith("running_mean")]
    weights = [key for key in before if key.endswith("conv.weight")]
    assert means
    assert all((before[key] - after[key]).abs().max() < 1e-2 * before[key].abs().max() + 1e-3 for key in means)
    assert any((before[key] - after[key]).abs().max() > 0 for key in weights)


def test_a_damaged_image_is_still_named_as_one_once_the_library_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with library(), pytest.raises(ValueError, match="not a readable image"):
        open_upright(tmp_path / "a.jpg")


def test_numbers_too_small_to_be_normal_are_zero_since_they_would_take_most_of_the_time() -> None:
    with library():
        import torch

        assert (torch.tensor([1e-39, 1.0]) * 0.5).tolist() == [0.0, 0.5]


def test_the_memory_of_a_training_grows_with_the_batch_and_shrinks_with_what_is_frozen(base: Weights) -> None:
    with library() as ultralytics:
        model = ultralytics.YOLO(base.file).model
        whole, half = (measure_memory(model, TrainingSettings(image_size=128, freeze=freeze)) for freeze in (0, 10))
    assert 2 < whole.image_mib < 20
    assert half.image_mib < 0.7 * whole.image_mib
    assert whole.peak_mib(16) - whole.peak_mib(8) == pytest.approx(8 * 1.4 * whole.image_mib)
