"""What a training was comes back as it was stored, and equal facts are equal bytes."""

from pathlib import Path

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_record import (
    RECORD,
    InterpolatedWeights,
    Selection,
    TrainingRecord,
    TrainingRun,
)
from legosigns_dagster.core.evaluation.score import Score

SELECTED = InterpolatedWeights(0.5, Score(0.8, 0.9, 0.5))
SELECTION = Selection((InterpolatedWeights(0, Score(0.85, 0.4, 0.2)), SELECTED), SELECTED)
IMAGES, VERSIONS = {"train lego": 4, "shown in an epoch": 8}, {"synthetic_set": "12", "raw_annotations": "34"}


def record(images: dict[str, int], versions: dict[str, str]) -> TrainingRecord:
    settings, run = TrainingSettings(epochs=3), TrainingRun(1.5, 900)
    return TrainingRecord(settings, images, versions, ("few images",), SELECTION, Score(0.8, 0.3, 0.1), run)


def test_a_record_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = record(IMAGES, VERSIONS)
    saved.save(tmp_path)
    assert TrainingRecord.load(tmp_path) == saved


def test_the_same_facts_in_another_order_are_the_same_bytes_so_that_nothing_behind_them_is_made_again(
    tmp_path: Path,
) -> None:
    written = []
    for order in (1, -1):
        record(dict([*IMAGES.items()][::order]), dict([*VERSIONS.items()][::order])).save(tmp_path)
        written.append((tmp_path / RECORD).read_bytes())
    assert written[0] == written[1]
