"""What the report says of the training."""

from dataclasses import replace
from pathlib import Path

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_record import (
    InterpolatedWeights,
    Selection,
    TrainingRecord,
    TrainingRun,
)
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.report.notes import ReportNotes, build_notes
from legosigns_dagster_tests.support.builders import CLASSES

SELECTED = InterpolatedWeights(0.5, Score(0.84, 0.9, 0.5))
SELECTION = Selection((InterpolatedWeights(0, Score(0.85, 0.4, 0.2)), SELECTED), SELECTED)
RECORD = TrainingRecord(TrainingSettings(seed=7), {"train lego": 4}, {"raw_annotations": "34ab"}, ("few images",),
                        SELECTION, Score(0.83, 0.6, 0.3), TrainingRun(12.5, 900))  # fmt: skip


def notes(record: TrainingRecord | None, *selected_on: str) -> ReportNotes:
    return build_notes("run-1", Weights(Path("nowhere"), CLASSES, 64, record), [], selected_on)


def test_a_training_without_synthetic_images_stands_between_the_base_and_the_new_weights() -> None:
    rows = notes(RECORD).synthesis.split("<tr>")[2:]
    assert [row.split("</th>")[1] for row in rows] == [
        "<td>0.850</td><td>0.400</td><td>0.200</td></tr>",
        "<td>0.830</td><td>0.600</td><td>0.300</td></tr>",
        "<td>0.840</td><td>0.900</td><td>0.500</td></tr></tbody></table></div>",
    ]


def test_what_synthesis_contributed_is_not_claimed_where_it_was_not_measured() -> None:
    for record in (replace(RECORD, without_synthesis=None), None):
        assert "It was not measured in this run" in notes(record).synthesis


def test_settings_images_versions_and_cost_of_the_training_are_listed_below_the_run() -> None:
    facts = notes(RECORD).facts
    assert list(facts) == ["run", "settings", "images", "versions", "seconds", "peak memory mb"]
    assert "seed 7" in facts["settings"]
    assert [facts[title] for title in list(facts)[2:]] == ["train lego 4", "raw_annotations 34ab", "12.5", "900"]
    assert notes(None).facts == {"run": "run-1"}


def test_figures_on_the_images_that_weights_were_selected_on_come_with_a_caveat() -> None:
    training, selection = notes(RECORD, "classical signs", "LEGO signs").caveats
    assert training == "few images"
    assert selection.startswith("classical signs and LEGO signs: epoch and interpolation were selected on the same")
    assert notes(RECORD).caveats == ["few images"]


def test_what_the_model_reaches_at_the_size_at_which_it_is_served_is_named_with_both_sizes(tmp_path: Path) -> None:
    contract = ModelContract(CLASSES, 96, (1, 6, 189), (0.25, 0.25))
    (tmp_path / FILE_NAME).write_text(contract.to_json())
    told = build_notes("run-1", Weights(tmp_path, CLASSES, 64), [], [], served=["classical: 0.8", "LEGO: 0.5"])
    assert told.facts["served at 96 px, against 64 px"] == "classical: 0.8; LEGO: 0.5"
