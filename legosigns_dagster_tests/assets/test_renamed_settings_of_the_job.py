"""The job's own settings that were renamed: an old run config is refused before anything runs."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from legosigns_dagster.core.detector.settings import RENAMED_SETTINGS
from legosigns_dagster_tests.support.step_jobs import definitions
from legosigns_dagster_tests.support.workplace import MODULE, Workplace

RENAMED = [("comparison_report_checks", "classical_loss", "max_map_drop")]
RENAMED += [("model_weights", old, new) for old, new in RENAMED_SETTINGS.items()]


def run_config(op: str, **settings: Any) -> dict[str, Any]:
    return {"ops": {op: {"config": settings}}}


@pytest.mark.parametrize(("op", "old", "new"), RENAMED)
def test_an_old_name_is_refused_with_the_new_one(op: str, old: str, new: str) -> None:
    job = definitions({}).resolve_job_def("traffic_signs")
    with pytest.raises(dg.DagsterInvalidConfigError, match=f'root:ops:{op}:config:{old} .*"{old} is now called {new}"'):
        dg.validate_run_config(job, run_config(op, **{old: 0.1}))


@pytest.mark.parametrize("op", ["comparison_report_checks", "model_weights"])
def test_a_name_that_there_never_was_is_refused(op: str) -> None:
    job = definitions({}).resolve_job_def("traffic_signs")
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "max_drop" .*max_map_drop'):
        dg.validate_run_config(job, run_config(op, max_drop=0.1))


def test_dagster_job_execute_refuses_a_file_with_an_old_name_and_starts_no_run(tmp_path: Path) -> None:
    place = Workplace(tmp_path, {})
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(run_config("model_weights", averaging=0.5)), encoding="utf-8")
    printed = place.run("job", "execute", *MODULE, "-j", "traffic_signs", "-c", str(tmp_path / "old.yaml"), fails=True)
    assert '"averaging is now called ema_decay"' in printed
    with place.instance() as instance:
        assert list(instance.get_runs()) == []
