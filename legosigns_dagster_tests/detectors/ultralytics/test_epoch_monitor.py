"""How an epoch is judged, on what Ultralytics' trainer tells."""

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import Lesson
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.detectors.ultralytics.epoch_monitor import Judge

torch = pytest.importorskip("torch")


def judge_of(said: list[str], patience: int = 0, minutes: float = 0, ends_in_s: float = float("inf")) -> Judge:
    ends_at = time.monotonic() + ends_in_s
    lesson = Lesson(Path("data.yaml"), 2, {}, Score(0.8, 0.1, 0.1), lambda _: None, ends_at=ends_at)
    return Judge(lesson, TrainingSettings(patience=patience, minutes=minutes), said.append)


def trainer_at(epoch: int, loss: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(
        epoch=epoch, epochs=10, stop=False, loss=torch.tensor(loss), tloss={"box_loss": np.float64(loss)},
        label_loss_items=lambda losses: {f"train/{k}": v for k, v in losses.items()},
        train_loader=SimpleNamespace(dataset=range(100)),
    )  # fmt: skip


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training_and_says_what_to_do(loss: float) -> None:
    with pytest.raises(FloatingPointError, match=r"the loss became (nan|inf) in epoch 3: lower learning_rate \(now"):
        judge_of([]).batch_ends(trainer_at(2, loss))


def test_an_epoch_is_told_with_both_slices_the_rate_and_the_time_left() -> None:
    said: list[str] = []
    judge, trainer = judge_of(said), trainer_at(0)
    judge.epoch_starts(trainer)
    judge.batches_end(trainer)
    judge.epoch_ends(trainer, Score(0.79, 0.9, 0.5))
    for word in ("epoch 1/10: box_loss 1.000", "classical mAP50-95 0.790", "LEGO mAP50 0.900", "images/s", "left"):
        assert word in said[0]
    assert "best so far" in said[0]


def test_it_stops_when_neither_slice_moves_and_says_so() -> None:
    said: list[str] = []
    judge, trainer = judge_of(said, patience=2), trainer_at(0)
    for epoch in range(3):
        trainer.epoch = epoch
        judge.epoch_ends(trainer, Score(0.8, 0.5, 0.5))
    assert trainer.stop
    assert "neither slice has reached a new best for 2 epochs" in said[-1]


@pytest.mark.parametrize(
    ("ends_in_s", "epochs"),
    [
        pytest.param(float("inf"), 10, id="no budget"),
        pytest.param(-5, 1, id="used up"),
        pytest.param(1e6, 10, id="ample"),
    ],
)
def test_as_many_epochs_are_planned_as_fit(ends_in_s: float, epochs: int) -> None:
    said: list[str] = []
    judge = judge_of(said, minutes=1, ends_in_s=ends_in_s)
    judge.epoch_starts(trainer_at(0))
    assert judge.affordable(10) == epochs
    assert len(said) == (epochs < 10)
