"""How an epoch is scored and logged, and what ends a training, on what Ultralytics' trainer tells."""

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.detectors.ultralytics.training.early_stopping import NanGuard
from legosigns_dagster.detectors.ultralytics.training.epoch_monitor import EpochMonitor
from legosigns_dagster.detectors.ultralytics.training.time_budget import TimeBudget
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog

torch = pytest.importorskip("torch")


def make_job(minutes: float = 0, seconds_left: float = float("inf")) -> TrainingJob:
    settings = TrainingSettings(minutes=minutes)
    slices = {"val-classical/a.jpg": Slice.CLASSICAL, "val-lego/a.jpg": Slice.LEGO}
    deadline = time.monotonic() + seconds_left
    return TrainingJob(Path("data.yaml"), slices, 2, settings, Score(0.8, 0.1, 0.1), deadline)


def trainer_at(epoch: int, loss: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(
        epoch=epoch, epochs=10, stop=False, loss=torch.tensor(loss), tloss={"box_loss": np.float64(loss)},
        label_loss_items=lambda losses: {f"train/{k}": v for k, v in losses.items()},
        train_loader=SimpleNamespace(dataset=range(100)),
    )  # fmt: skip


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training_and_says_what_to_do(loss: float) -> None:
    with pytest.raises(FloatingPointError, match=r"the loss became (nan|inf) in epoch 3: lower learning_rate \(now 0"):
        NanGuard(0.001).on_train_batch_end(trainer_at(2, loss))


def test_an_epoch_is_logged_with_both_slices_the_rate_and_the_time_left() -> None:
    log = RecordedLog()
    monitor, trainer = EpochMonitor(make_job(), log), trainer_at(0)
    monitor.on_train_epoch_start(trainer)
    monitor.on_train_epoch_end(trainer)
    monitor.on_epoch_scored(trainer, Score(0.79, 0.9, 0.5))
    for word in ("epoch 1/10: box_loss 1.000", "classical mAP50-95 0.790", "LEGO mAP50 0.900", "images/s", "left"):
        assert word in log.lines[0]
    assert "best so far" in log.lines[0]


def test_images_of_one_name_count_for_the_slice_in_whose_folder_they_lie() -> None:
    monitor = EpochMonitor(make_job(), SILENT)
    right, wrong = np.ones((1, 10), bool), np.zeros((1, 10), bool)
    for key, hit in (("val-classical/a.jpg", right), ("val-lego/a.jpg", wrong)):
        stats = {"conf": np.ones(1), "pred_cls": np.zeros(1), "target_cls": np.zeros(1), "tp": hit}
        monitor.recorder.record(key, stats)
    score = monitor.score_epoch()
    assert score.classical_map50_95 > 0.99
    assert score.lego_map50 == 0.0
    assert np.isnan(monitor.score_epoch().classical_map50_95), "an epoch does not count in the next one"


@pytest.mark.parametrize(
    ("seconds_left", "epochs"),
    [
        pytest.param(float("inf"), 10, id="no budget"),
        pytest.param(-5, 1, id="used up"),
        pytest.param(1e6, 10, id="ample"),
    ],
)
def test_as_many_epochs_are_planned_as_fit(seconds_left: float, epochs: int) -> None:
    log = RecordedLog()
    budget = TimeBudget(make_job(minutes=1, seconds_left=seconds_left), log)
    budget.on_train_epoch_start(trainer_at(0))
    assert budget.epochs_in_time(10) == epochs
    assert len(log.lines) == (epochs < 10)
