"""When a training stops because it no longer gets better."""

from types import SimpleNamespace

from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.detectors.ultralytics.training.early_stopping import EarlyStopping
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog


def stops(stopping: EarlyStopping, *scores: tuple[float, float], epochs: int = 100) -> list[bool]:
    """Whether the training is stopped after each epoch, by its mAP50-95 on classical and on LEGO signs."""
    found = []
    for epoch, (classical, lego) in enumerate(scores):
        trainer = SimpleNamespace(epoch=epoch, epochs=epochs, stop=False)
        stopping.on_epoch_scored(trainer, Score(classical, 0.5, lego))
        found.append(trainer.stop)
    return found


def test_training_goes_on_while_either_slice_still_gets_better() -> None:
    assert stops(EarlyStopping(2, SILENT), (0.8, 0.1), (0.7, 0.2), (0.81, 0.1), (0.8, 0.3)) == [False] * 4


def test_training_stops_when_neither_slice_got_better_for_the_patience_and_says_so() -> None:
    log = RecordedLog()
    assert stops(EarlyStopping(2, log), (0.8, 0.3), (0.7, 0.2), (0.79, 0.3)) == [False, False, True]
    assert log.lines == ["stopping early: neither slice has reached a new best for 2 epochs"]


def test_without_patience_training_never_stops_early() -> None:
    assert not any(stops(EarlyStopping(0, SILENT), *[(0.8, 0.3)] * 20))


def test_the_last_epoch_is_not_said_to_stop_early() -> None:
    log = RecordedLog()
    assert not any(stops(EarlyStopping(1, log), (0.8, 0.3), (0.8, 0.3), epochs=2))
    assert log.lines == []


def test_a_resumed_training_keeps_its_patience() -> None:
    first, second = EarlyStopping(2, SILENT), EarlyStopping(2, SILENT)
    stops(first, (0.8, 0.3), (0.8, 0.3))
    second.load_state_dict(first.state_dict())
    assert stops(second, (0.8, 0.3)) == [True]
