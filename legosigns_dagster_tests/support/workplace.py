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
JOB = ["job", "execute", *MODULE, "-j", "traffic_signs", "-c", "configs/quick.yaml"]


@dataclass(frozen=True)
class Workplace:
    """A folder for a Dagster instance and a store.

    Attributes:
        folder: The folder.
        settings: Environment variables for the commands.
        dotenv: Whether the commands run in the folder, and find the variables in a file `.env` there. Otherwise they
            run in the repository, with the variables in their environment.
    """

    folder: Path
    settings: dict[str, str]
    dotenv: bool = False

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a `dagster` command, check its exit status, and return what it printed."""
        inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        settings = {} if self.write_dotenv() else self.settings
        environment = inherited | settings | {"DAGSTER_HOME": str(home), "PYTHONWARNINGS": OWN_NOTICE}
        done = subprocess.run(
            [DAGSTER, *arguments],
            cwd=self.folder if self.dotenv else ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode != 0) is fails, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def write_dotenv(self) -> bool:
        """Write the file `.env`, where there is to be one, and tell whether there is."""
        if self.dotenv:
            lines = [f"{name}='{value}'\n" for name, value in self.settings.items()]
            (self.folder / ".env").write_text("".join(lines), encoding="utf-8")
        return self.dotenv

    def instance(self) -> dg.DagsterInstance:
        """Open the Dagster instance."""
        return dg.DagsterInstance.from_config(str(self.folder / "home"))
