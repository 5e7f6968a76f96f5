"""What a terminal shows of a run."""

import contextlib
import re

import dagster as dg
import pytest

from legosigns_dagster.local.console import STOPPED, console
from legosigns_dagster.local.executor import opening

SHORT_LOG = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


@dg.asset
def talkative(context: dg.AssetExecutionContext) -> None:
    """Says how it goes."""
    context.log.debug("a detail")
    context.log.info("3 of %d images", 4)
    context.log.warning("one is dark")


@dg.asset
def broken() -> None:
    """Cannot be made."""
    raise ValueError("BASE_WEIGHTS is no file")


@dg.asset
def interrupted() -> None:
    """Is being made when somebody presses Ctrl-C."""
    raise dg.DagsterExecutionInterruptedError


def shown(asset: dg.AssetsDefinition, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on the terminal while this asset is made, without their times."""
    job = dg.define_asset_job("job")
    defs = dg.Definitions(assets=[asset], jobs=[job], loggers={"console": console})
    with contextlib.suppress(dg.DagsterExecutionInterruptedError):
        defs.resolve_job_def("job").execute_in_process(SHORT_LOG, raise_on_error=False)
    return [re.sub(r"^\d\d:\d\d:\d\d ", "(time) ", line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_the_time_the_step_and_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(talkative, capsys) == [
        "(time) talkative: 3 of 4 images",
        "(time) talkative: WARNING: one is dark",
    ]


def test_an_error_is_shown_with_all_that_helps_to_find_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(broken, capsys)
    assert lines[0] == '(time) broken: ERROR: Execution of step "broken" failed.'
    assert "ValueError: BASE_WEIGHTS is no file" in lines
    assert any("test_console.py" in line for line in lines)


def test_ctrl_c_is_a_sentence_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(interrupted, capsys) == ["(time) interrupted: stopped", f"(time) {STOPPED}"]


def test_a_run_begins_with_what_comes_and_how_long_such_a_run_took() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first = instance.create_run_for_job(dg.job(name="other")(lambda: None))
        assert opening(instance, first, 3).startswith("3 steps. Ctrl-C is safe: ")
        again = dg.materialize([talkative], instance=instance).dagster_run
        assert opening(instance, again, 1).startswith("1 steps. The last such run took 0:0")
