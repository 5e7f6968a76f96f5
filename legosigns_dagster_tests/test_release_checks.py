"""What lets a candidate through, and what a person must accept first."""

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison
from legosigns_dagster.core.release.candidate import Measured, ReleaseCandidate
from legosigns_dagster.release_checks import GateConfig, judge_candidate

BETTER, WORSE, OPEN = (0.01, 0.2), (-0.3, -0.1), (-0.1, 0.1)
ACCEPT = GateConfig(accept_inconclusive=True, accept_contract_change=True, accepted_by=" Ada ", reason="tried")


def row(slice_name: str, metric: str, interval: tuple[float, float]) -> list[object]:
    low, high = interval
    return [slice_name, "all", 20, 30, metric, 0.5, 0.5 + (low + high) / 2, (low + high) / 2, low, high,
            "inconclusive", 500, True]  # fmt: skip


def candidate(
    classical: tuple[float, float] = BETTER,
    lego: tuple[float, float] = BETTER,
    breaks: tuple[str, ...] = (),
    changes: tuple[str, ...] = (),
    parity: tuple[str, ...] = ("onnxruntime: equal",),
) -> ReleaseCandidate:
    rows = [row("classical signs", "map50_95", classical), row("LEGO signs", "map50", lego)]
    table = pd.DataFrame(rows, columns=COMPARISON_COLUMNS)
    measured = Measured(3, "release 3", {"model_weights": "0123456789ab"}, parity, breaks, changes)
    return ReleaseCandidate(Path("nowhere"), Comparison(table), measured)


def failures(one: ReleaseCandidate, config: GateConfig) -> dict[str, str]:
    results, _ = judge_candidate(one, config)
    assert [result.check_name for result in results] == [
        "onnx_parity", "contract_kept", "classical_signs_kept", "lego_signs_gained",
    ]  # fmt: skip
    is_error = dg.AssetCheckSeverity.ERROR
    return {str(r.check_name): str(r.description) for r in results if not r.passed and r.severity == is_error}


def test_a_candidate_that_is_better_in_all_engines_passes_and_nobody_accepted_anything() -> None:
    assert failures(candidate(), GateConfig()) == {}
    assert judge_candidate(candidate(), ACCEPT)[1] == []


def test_what_is_open_stops_a_release_until_a_person_accepts_it() -> None:
    told = failures(candidate(OPEN, OPEN), GateConfig())
    assert set(told) == {"classical_signs_kept", "lego_signs_gained"}
    assert all("inconclusive" in text and "(against release 3)" in text for text in told.values())
    assert all(text.endswith("set accept_inconclusive, accepted_by and reason of release_candidate_checks")
               for text in told.values())  # fmt: skip
    assert failures(candidate(OPEN, OPEN), ACCEPT) == {}
    _, accepted = judge_candidate(candidate(OPEN, OPEN), ACCEPT)
    assert [(one.check, one.who, one.why) for one in accepted] == [
        ("classical_signs_kept", "Ada", "tried"), ("lego_signs_gained", "Ada", "tried"),
    ]  # fmt: skip


def test_what_is_worse_or_answers_otherwise_cannot_be_accepted() -> None:
    for config in (GateConfig(), ACCEPT):
        assert set(failures(candidate(WORSE, WORSE), config)) == {"classical_signs_kept", "lego_signs_gained"}
        told = failures(candidate(breaks=("OpenVINO: boxes differ by 3 px",)), config)
        assert told == {"onnx_parity": "OpenVINO: boxes differ by 3 px"}


def test_a_changed_contract_stops_a_release_until_a_person_accepts_it() -> None:
    changed = candidate(changes=("class 0 was Stop, and is Speed",))
    told = failures(changed, GateConfig(accept_inconclusive=True, accepted_by="Ada", reason="tried"))
    assert told["contract_kept"].startswith(
        "1: class 0 was Stop, and is Speed (against release 3). To release it so, set "
    )
    assert failures(changed, ACCEPT) == {}
    assert [one.check for one in judge_candidate(changed, ACCEPT)[1]] == ["contract_kept"]


def test_engines_that_were_compared_in_no_image_are_not_equal() -> None:
    assert "no val or test images" in failures(candidate(parity=()), ACCEPT)["onnx_parity"]


@pytest.mark.parametrize(
    "given", [{}, {"accepted_by": "Ada"}, {"reason": "tried"}, {"accepted_by": " ", "reason": "x"}]
)
def test_whoever_accepts_says_who_and_why(given: dict[str, str]) -> None:
    for setting in ("accept_inconclusive", "accept_contract_change"):
        with pytest.raises(ValueError, match="is set without accepted_by and reason: set both"):
            GateConfig.model_validate({setting: True, **given})


def test_a_candidate_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = candidate(OPEN, WORSE, ("b",), ("c",))
    (tmp_path / "folder").mkdir()
    one = ReleaseCandidate(tmp_path / "folder", saved.comparison, saved.measured)
    loaded = ReleaseCandidate.load(one.save())
    assert loaded.measured == saved.measured
    pd.testing.assert_frame_equal(loaded.comparison.table, saved.comparison.table)
