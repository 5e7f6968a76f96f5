"""The scale of a chart's axis."""

import pytest

from legosigns_dagster.core.report.scale import fit_scale


@pytest.mark.parametrize("values", [[0.0, 1.0], [3.0, 3.0], [0.0, 0.0], [1.2345, 1.2346], [-5.0, 900.0]])
def test_a_scale_holds_all_its_values_and_has_round_ticks(values: list[float]) -> None:
    scale = fit_scale(values, 0, 100, 5)
    assert scale.low - 1e-9 <= min(values) <= max(values) <= scale.high + 1e-9
    assert 2 <= len(scale.ticks) <= 7


def test_a_scale_places_its_ends_on_its_pixels() -> None:
    scale = fit_scale([0.0, 0.97], 200, 20, 5)
    assert (scale.at(0.0), scale.at(1.0)) == (200, 20)


def test_epochs_have_whole_ticks_and_no_room_at_the_ends() -> None:
    scale = fit_scale([1.0, 10.0], 0, 100, 6, whole=True)
    assert (scale.low, scale.high, scale.ticks) == (1.0, 10.0, (2.0, 4.0, 6.0, 8.0, 10.0))
