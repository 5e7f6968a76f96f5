"""Settings out of their range are refused when a run is asked for, all of them at once."""

import re
from functools import cache
from typing import Any

import dagster as dg
import pytest
from pydantic import Field

from legosigns_dagster.assets.settings import SettingsForm, range_of
from legosigns_dagster_tests.support.configuration_page import forms
from legosigns_dagster_tests.support.step_jobs import definitions

STEPS = forms()


@cache
def job(name: str) -> dg.JobDefinition:
    return definitions({}).resolve_job_def(name)


def job_of(step: str) -> dg.JobDefinition:
    return next(one for one in map(job, ("traffic_signs", "release")) if one.graph.has_node_named(step))


def run_config(**steps: dict[str, Any]) -> dict[str, Any]:
    return {"ops": {step: {"config": settings} for step, settings in steps.items()}}


def impossible_values() -> list[tuple[str, str, float]]:
    """Each setting that has a range, with a value just outside of each of its ends, and one between its steps."""
    found: list[tuple[str, str, float]] = []
    for step, form in STEPS.items():
        for name, field in form.model_fields.items():
            bit = 1 if field.annotation is int else 1e-6
            outside = {"ge": -bit, "gt": 0.0, "le": bit, "lt": 0.0, "multiple_of": bit}
            limits = [(getattr(one, kind), kind) for one in field.metadata for kind in outside if hasattr(one, kind)]
            found += [(step, name, limit + outside[kind]) for limit, kind in limits]
    return found


def refusal(of: dg.JobDefinition, config: dict[str, Any]) -> str:
    with pytest.raises(dg.DagsterInvalidConfigError) as error:
        dg.validate_run_config(of, config)
    return str(error.value)


@pytest.mark.parametrize(("step", "setting", "value"), impossible_values())
def test_a_value_out_of_range_is_refused_with_its_name_and_its_range(step: str, setting: str, value: float) -> None:
    field = STEPS[step].model_fields[setting]
    told = refusal(job_of(step), run_config(**{step: {setting: value}}))
    assert f"root:ops:{step}:config " in told
    shown = int(value) if field.annotation is int else float(value)
    assert f"\n{setting} is {shown!r}, expected {range_of(field)}" in told


@pytest.mark.parametrize("step", STEPS)
def test_the_form_shows_each_range_once(step: str) -> None:
    fields = STEPS[step].to_fields_dict()
    for name, field in STEPS[step].model_fields.items():
        if allowed := range_of(field):
            assert str(fields[name].description).endswith(f". Allowed: {allowed}.")
            assert str(fields[name].description).count("Allowed: ") == 1


def test_there_are_ranges_of_every_kind() -> None:
    ranges = {range_of(field) for form in STEPS.values() for field in form.model_fields.values()}
    assert {"0 to 1", "1 to 1000", "at least 0", "more than 0, at most 1", "0 to 2048, a multiple of 32"} <= ranges


def test_all_faults_of_all_steps_are_in_one_message_without_what_was_not_set_and_without_a_traceback() -> None:
    config = run_config(
        model_weights={"epochs": 0, "replay": 2.5, "image_size": 100, "seed": 3},
        synthetic_set={"images": -1},
        comparison_report_checks={"lego_gain": float("nan")},
    )
    head, *lines = refusal(job("traffic_signs"), config).splitlines()
    assert head == "Error in config for job traffic_signs"
    places = [re.sub(r"Error \d", "Error", line).strip() for line in lines[::2]]
    assert dict(zip(places, lines[1::2], strict=True)) == {
        "Error: Post processing at path root:ops:model_weights:config of original value "
        "{'epochs': 0, 'image_size': 100, 'seed': 3, 'replay': 2.5} failed:": "epochs is 0, expected 1 to 1000; "
        "image_size is 100, expected 0 to 2048, a multiple of 32; replay is 2.5, expected 0 to 1",
        "Error: Post processing at path root:ops:synthetic_set:config of original value {'images': -1} failed:":
        "images is -1, expected 0 to 100000",
        "Error: Post processing at path root:ops:comparison_report_checks:config of original value {'lego_gain': nan} "
        "failed:": "lego_gain is nan, expected 0 to 1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("step", "settings", "message"),
    [
        ("raw_annotations", {"val_share": 0.7, "test_share": 0.5}, "leave nothing to train on: lower one"),
        ("synthetic_set", {"min_signs": 5}, "min_signs 5 is more than max_signs 4: change one"),
        ("release_candidate_checks", {"accept_inconclusive": True}, "without accepted_by and reason: set both"),
        ("model_weights", {"epochs": None}, "epochs is None, expected 1 to 1000"),
        ("model_weights", {"interpolate": None}, "interpolate is None, expected `true` or `false`"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused_too(step: str, settings: dict[str, Any], message: str) -> None:
    assert message in refusal(job_of(step), run_config(**{step: settings}))


def test_a_selection_of_assets_is_checked_as_the_job_is() -> None:
    selected = (
        definitions({})
        .resolve_implicit_global_asset_job_def()
        .get_subset(asset_selection={dg.AssetKey("synthetic_set"), dg.AssetKey("model_weights")})
    )
    told = refusal(selected, run_config(synthetic_set={"blur": 2.0}, model_weights={"batch": 0}))
    assert "blur is 2.0, expected 0 to 1" in told
    assert "batch is 0, expected 1 to 256" in told


def test_settings_from_the_environment_are_checked_by_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHS", "0")
    config = run_config(model_weights={"epochs": {"env": "EPOCHS"}})
    assert "epochs is 0, expected 1 to 1000" in refusal(job("traffic_signs"), config)
    monkeypatch.setenv("EPOCHS", "3")
    assert dg.validate_run_config(job("traffic_signs"), config)


def test_good_settings_reach_the_step_as_they_are() -> None:
    class SailingConfig(SettingsForm):
        """How to sail."""

        knots: float = Field(5, ge=0, le=30, description="Speed.")
        sails: list[str] = Field(["main"], description="Which are set.")
        crew: int = Field(2, ge=1, description="Heads.")

    @dg.asset
    def voyage(config: SailingConfig) -> dict[str, Any]:
        return dict(config)

    def sail(**settings: Any) -> object:
        return dg.materialize([voyage], run_config=run_config(voyage=settings)).output_for_node("voyage")

    assert sail() == {"knots": 5, "sails": ["main"], "crew": 2}
    assert sail(knots=30, sails=["jib"]) == {"knots": 30, "sails": ["jib"], "crew": 2}
    with pytest.raises(
        dg.DagsterInvalidConfigError, match="knots is 31.0, expected 0 to 30; crew is 0, expected at le"
    ):
        sail(knots=31, crew=0)
