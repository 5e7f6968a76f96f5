"""The run of the job `release` that `legosigns release` starts, and why such a run failed."""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from legosigns_dagster.core.release.release import TO_RELEASE_SO

JOB = (sys.executable, "-m", "dagster", "job", "execute", "-m", "legosigns_dagster.definitions", "-j", "release")
# Dagster's command prints that a newer one exists. Nothing here depends on it.
NOTICE = "ignore::FutureWarning:click.core"
TAG = "legosigns/command"  # by its value a command finds the run that it has started
CANNOT = "this cannot be accepted"
# What helps where a check failed, by its name: accepting apart, which the check itself offers.
REMEDIES = {
    "onnx_parity": f"{CANNOT}: materialize model_weights again, which exports the model anew",
    "contract_kept": "train with the classes and the serving_size of the current release, or change the clients first",
    "classical_signs_kept": "train again with more replay, or raise max_map_drop of release_candidate_checks",
    "lego_signs_gained": "annotate more images and train again, or lower lego_gain of release_candidate_checks",
}


@dataclass(frozen=True)
class EndedRun:
    """A run of the job `release` after its end.

    Attributes:
        run_id: Empty where Dagster refused to start one.
        failure: Why it failed and what to do, in lines; empty where it succeeded.
    """

    run_id: str
    failure: str = ""


def run_job(gate: Mapping[str, object]) -> EndedRun:
    """Run the job `release` in a process of its own, which prints Dagster's log.

    Args:
        gate: The settings of `release_candidate_checks`.
    """
    config = {
        "loggers": {"console": {"config": {"log_level": "INFO"}}},
        "ops": {"release_candidate_checks": {"config": gate}},
    }
    mark = {TAG: uuid.uuid4().hex}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "release.yaml"
        file.write_text(json.dumps(config), encoding="utf-8")
        home = os.environ.get("DAGSTER_HOME") or name
        environment = {"PYTHONWARNINGS": NOTICE, **os.environ, "DAGSTER_HOME": home}
        command = [*JOB, "-c", str(file), "--tags", json.dumps(mark)]
        done = subprocess.run(command, env=environment, check=False)
        if not Path(home).is_dir():
            return EndedRun("", "the lines above say why")
        with dg.DagsterInstance.from_config(home) as instance:
            runs = instance.get_runs(dg.RunsFilter(tags=mark), limit=1)
            run_id = runs[0].run_id if runs else ""
            failure = describe_failure(instance, run_id) if done.returncode else ""
            return EndedRun(run_id, failure)


def describe_failure(instance: dg.DagsterInstance, run_id: str) -> str:
    """Say why a run of the job failed, by its events: the checks that refused the candidate, or else the steps' errors.

    Returns:
        For each check its name, what it found, and what to do.
    """
    events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event] if run_id else []
    found = [one.asset_check_evaluation_data for one in events if one.event_type.name == "ASSET_CHECK_EVALUATION"]
    found = [one for one in found if one.blocking]
    failed = [one for one in found if not one.passed and one.severity == dg.AssetCheckSeverity.ERROR]
    if failed:
        head = f"{len(failed)} of {len(found)} checks of the candidate failed in run {run_id}"
        return "\n".join([f"{head}:", *(refusal(one.check_name, one.description or "") for one in failed)])
    steps = [f"{one.step_key}: {step_error(one)}" for one in events if one.is_step_failure]
    return "; ".join(steps) or "the lines above say why"


def refusal(check: str, description: str) -> str:
    """Say what a check found and what to do, in lines.

    Example:
        >>> print(refusal("lego_signs_gained", f"inconclusive{TO_RELEASE_SO}accept_inconclusive, accepted_by"))
        lego_signs_gained: inconclusive
          What to do: annotate more images and train again, or lower lego_gain of release_candidate_checks
          To release it so: legosigns release --accept-inconclusive --accepted-by NAME --reason WHY
    """
    text, _, settings = description.partition(TO_RELEASE_SO)
    lines = [f"{check}: {text}", f"  What to do: {REMEDIES[check]}"]
    if option := settings.partition(",")[0].replace("_", "-"):
        lines.append(f"  To release it so: legosigns release --{option} --accepted-by NAME --reason WHY")
    return "\n".join(lines)


def step_error(event: dg.DagsterEvent) -> str:
    """Why a step failed, in one line: what our code says, or else the first cause."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error and error.cause:
        error = error.cause
    return " ".join(error.message.split()) if error else "it failed"
