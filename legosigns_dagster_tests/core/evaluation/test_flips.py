"""Flips: what one of two weights gets right and the other wrong."""

from pathlib import Path

from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.evaluation.flips import FlipKind, find_flips
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


def flips(results: SliceResults) -> list[tuple[str, str, str, float]]:
    return [(flip.image.file, flip.kind, flip.description, flip.confidence) for flip in find_flips(results)]


def test_signs_that_only_one_of_the_weights_finds_are_flips_and_the_highest_confidence_comes_first(
    tmp_path: Path,
) -> None:
    dataset = make_dataset(tmp_path, "val", "val", "val")
    base = evaluation(dataset, (0, 0, 0.9), (1, 0, 0.7))
    new = evaluation(dataset, (0, 0, 0.9), (2, 1, 0.8))
    assert flips(SliceResults("LEGO signs", dataset, base, new)) == [
        ("images/2.jpg", FlipKind.POSITIVE, "DangerAhead is found now", 0.8),
        ("images/1.jpg", FlipKind.NEGATIVE, "SpeedLimit is no longer found", 0.7),
    ]


def with_another_class(evaluated: Evaluation) -> Evaluation:
    evaluated.detections["class_id"] = 1
    return evaluated


def test_a_sign_taken_for_another_class_is_a_false_positive_and_not_found(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    right, wrong = evaluation(dataset, (0, 0, 0.9)), with_another_class(evaluation(dataset, (0, 0, 0.6)))
    assert flips(SliceResults("LEGO signs", dataset, right, wrong)) == [
        ("images/0.jpg", FlipKind.NEGATIVE, "SpeedLimit is no longer found", 0.9),
        ("images/0.jpg", FlipKind.NEGATIVE, "new false positive for DangerAhead", 0.6),
    ]
    assert flips(SliceResults("LEGO signs", dataset, wrong, right)) == [
        ("images/0.jpg", FlipKind.POSITIVE, "SpeedLimit is found now", 0.9),
        ("images/0.jpg", FlipKind.POSITIVE, "no longer a false positive for DangerAhead", 0.6),
    ]


def test_what_both_get_wrong_is_no_flip(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    base, new = (with_another_class(evaluation(dataset, (0, 0, confidence))) for confidence in (0.5, 0.9))
    assert flips(SliceResults("LEGO signs", dataset, base, new)) == []
