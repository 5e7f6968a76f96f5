"""Whether new weights may be used."""

from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import VAL
from legosigns_dagster.core.evaluation.acceptance import AcceptanceCriterion, Outcome, check_criterion
from legosigns_dagster.core.evaluation.comparison import Comparison, SliceResults, compare
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """The base finds all boxes on 20 images, the new weights those of 14."""
    dataset = make_dataset(tmp_path, *[VAL] * 20)
    base, new = (evaluation(dataset, *[(i, box, 0.9) for i in range(n) for box in (0, 1)], map50=n / 20)
                 for n in (20, 14))  # fmt: skip
    return compare([SliceResults("classical signs", dataset, base, new, "map50")])


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [
        pytest.param(-0.7, Outcome.PASSED, id="the whole interval is above the limit"),
        pytest.param(-0.02, Outcome.FAILED, id="the whole interval is below the limit"),
        pytest.param(-0.3, Outcome.INCONCLUSIVE, id="the limit is inside the interval"),
    ],
)
def test_the_whole_interval_decides(comparison: Comparison, limit: float, outcome: Outcome) -> None:
    result = check_criterion(comparison, AcceptanceCriterion("classical signs", "map50", limit))
    assert result.outcome is outcome
    assert f"required: at least {limit:.3f}" in result.text
    assert ("inconclusive with 20 images. To detect a difference of 0.02, about" in result.text) is (
        outcome is Outcome.INCONCLUSIVE
    )


def test_the_classes_below_the_limit_are_named(comparison: Comparison) -> None:
    result = check_criterion(comparison, AcceptanceCriterion("classical signs", "map50", -0.02))
    assert result.offenders == ("SpeedLimit: mAP50 1.000 → 0.700", "DangerAhead: mAP50 1.000 → 0.700")
    result = check_criterion(comparison, AcceptanceCriterion("classical signs", "map50", -0.7))
    assert result.offenders == ()


def test_a_slice_without_images_is_inconclusive(comparison: Comparison) -> None:
    result = check_criterion(comparison, AcceptanceCriterion("LEGO signs", "map50", 0.0))
    assert (result.outcome, result.offenders) == (Outcome.INCONCLUSIVE, ())
    assert result.text == "there are no val or test images of LEGO signs: add some"
