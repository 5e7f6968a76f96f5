"""A setting that is typed under its old name is refused, and the message has the new name."""

from typing import Any

import dagster as dg
import pytest
from pydantic import Field, ValidationError

from legosigns_dagster.assets.renamed_settings import refuse_old_names

MESSAGE = '"knots is now called speed"'


@refuse_old_names(knots="speed")
class SailingConfig(dg.Config):
    """How to sail."""

    speed: float = Field(5.0, description="In knots.")
    reef: bool = False


@dg.op
def sail(config: SailingConfig) -> float:
    return config.speed


@dg.job
def voyage() -> None:
    sail()


def run_config(**settings: Any) -> dict[str, Any]:
    return {"ops": {"sail": {"config": settings}}}


def test_the_new_name_works() -> None:
    assert voyage.execute_in_process(run_config(speed=7.0)).output_for_node("sail") == 7.0
    assert voyage.execute_in_process().output_for_node("sail") == 5.0


@pytest.mark.parametrize("value", [7.0, 0, True, "7", ["7"]])
def test_the_old_name_is_refused_with_the_new_one_before_a_run_starts(value: object) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match=f"root:ops:sail:config:knots .*{MESSAGE}"):
        dg.validate_run_config(voyage, run_config(knots=value))


def test_the_old_name_is_refused_in_python_too() -> None:
    with pytest.raises(ValidationError, match=MESSAGE):
        SailingConfig(knots=7.0)  # type: ignore[call-arg]


def test_a_name_that_there_never_was_is_refused_as_before() -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "sped" .* speed\\?: Float'):
        dg.validate_run_config(voyage, run_config(sped=7.0))


def test_the_launchpad_shows_the_old_name_as_renamed_and_does_not_fill_it_in() -> None:
    old = SailingConfig.to_fields_dict()["knots"]
    assert (old.description, old.is_required, old.default_provided) == ("Renamed: use speed.", False, False)
    assert SailingConfig.to_config_schema().as_field().description == "How to sail."


@pytest.mark.parametrize(
    ("old", "new"),
    [pytest.param("knots", "sped", id="no such new name"), pytest.param("reef", "speed", id="still used")],
)
def test_a_wrong_pair_of_names_is_refused_when_the_code_loads(old: str, new: str) -> None:
    class Plain(dg.Config):
        speed: float = 5.0
        reef: bool = False

    with pytest.raises(ValueError, match=f"'{old}' cannot be the old name of '{new}': the settings are speed, reef"):
        refuse_old_names(**{old: new})(Plain)
