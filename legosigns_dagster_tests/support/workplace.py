"""A place for a Dagster instance and a store, in which the real command lines are run."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from legosigns_dagster_tests.support.environment import ROOT, VARIABLES

DAGSTER = str(Path(sys.executable).parent / "dagster")
MODULE = ["-m", "legosigns_dagster.definitions"]
JOB = ["job", "execute", *MODULE, "-j", "traffic_signs", "-c", "configs/quick.yaml"]


@dataclass(frozen=True)
class Workplace:
    """A folder for a Dagster instance and a store, and what is printed there."""

    folder: Path
    settings: dict[str, str]

    def run(self, *arguments: str, fails: bool = False) -> str:
        kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = kept | self.settings | {"DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([DAGSTER, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (done.returncode != 0) is fails, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.folder / "home"))
