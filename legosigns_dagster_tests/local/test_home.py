"""The databases of a home are made once."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from legosigns_dagster.local.home import LocalInstance, location_origin
from legosigns_dagster_tests.support.environment import ROOT

AT_ONCE = 4
# Each imports what takes long, tells that it is ready, and opens the home when all are.
OPEN = """
import sys, dagster as dg, legosigns_dagster.local.home
print("ready", flush=True)
sys.stdin.readline()
with dg.DagsterInstance.get() as instance:
    instance.get_runs_count()
"""


def test_several_first_commands_at_once_make_one_home(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path)}
    commands = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", OPEN], env=environment, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(AT_ONCE)
    ]  # fmt: skip
    for command in commands:
        assert command.stdout
        assert command.stdout.readline() == "ready\n"
    for command in commands:
        assert command.stdin
        command.stdin.write("\n")
        command.stdin.flush()
    said = [command.communicate()[1] for command in commands]
    assert [command.returncode for command in commands] == [0] * AT_ONCE, said
    for file in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        with closing(sqlite3.connect(tmp_path / file)) as database:
            assert len(database.execute("SELECT version_num FROM alembic_version").fetchall()) == 1, file


def test_a_home_that_dagster_made_alone_keeps_its_runs(tmp_path: Path) -> None:
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = instance.create_run_for_job(dg.job(name="old")(lambda: None))
    shutil.copyfile(ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    with (
        dg.DagsterInstance.from_config(str(tmp_path)) as instance,
        dg.DagsterInstance.from_ref(instance.get_ref()) as of_another_process,
    ):
        for opened in (instance, of_another_process):
            assert isinstance(opened, LocalInstance)
            assert [found.run_id for found in opened.get_runs()] == [run.run_id]


def origin(module: str) -> JobPythonOrigin:
    """Where a command line has found a job in this module."""
    repository = RepositoryPythonOrigin(sys.executable, ModuleCodePointer(module, "defs", None))
    return JobPythonOrigin("traffic_signs", repository)


def test_runs_of_the_command_line_belong_to_the_code_location_of_the_workspace() -> None:
    (entry,) = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    found = location_origin(origin(entry["python_module"]["module_name"]))
    assert found is not None
    assert found.repository_origin.get_label() == f"__repository__@{entry['python_module']['location_name']}"
    assert found.job_name == "traffic_signs"


def test_runs_of_other_code_belong_to_none() -> None:
    assert location_origin(origin("legosigns_dagster_tests.support.local_code_location")) is None
