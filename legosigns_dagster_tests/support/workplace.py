"""A folder with a Dagster instance and a store, where the real commands run."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from legosigns_dagster_tests.support.environment import ROOT, VARIABLES

DAGSTER = str(Path(sys.executable).parent / "dagster")
MODULE = ["-m", "legosigns_dagster.definitions"]
# Dagster's notice that `dagster job execute` has a successor comes before any code of ours is loaded.
OWN_NOTICE = "ignore::FutureWarning:click.core"
# Makes OpenMP, which torch brings, print its settings when it is loaded.
OPENMP = {"OMP_DISPLAY_ENV": "VERBOSE"}
JOB = ["job", "execute", *MODULE, "-j", "traffic_signs", "-c", "configs/quick.yaml"]


@dataclass(frozen=True)
class Workplace:
    """A folder for a Dagster instance and a store.

    Attributes:
        folder: The folder.
        settings: Environment variables for the commands.
    """

    folder: Path
    settings: dict[str, str]

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a `dagster` command, check its exit status, and return what it printed."""
        inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = inherited | self.settings | {"DAGSTER_HOME": str(home), "PYTHONWARNINGS": OWN_NOTICE}
        done = subprocess.run([DAGSTER, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (done.returncode != 0) is fails, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def instance(self) -> dg.DagsterInstance:
        """Open the Dagster instance."""
        return dg.DagsterInstance.from_config(str(self.folder / "home"))
