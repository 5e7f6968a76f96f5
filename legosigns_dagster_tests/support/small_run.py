"""A run of two small assets in a process of its own: `python -m legosigns_dagster_tests.support.small_run WORD FILES`.

Its store is the deployment's. Between the two it waits until the folder in MEET, where that is set, has a file of each
of two runs, so that a test can have both at the same place at once.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from legosigns_dagster.deployments import deployment
from legosigns_dagster.resources.scratch import Scratch


@dataclass(frozen=True)
class Words:
    """Files that each hold one word."""

    folder: Path

    def save(self) -> Path:
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Words":
        return cls(folder)


class Wanted(dg.Config):
    word: str
    files: int


@dg.asset
def upstream(config: Wanted, scratch: Scratch) -> Words:
    folder = scratch.folder("upstream")
    for number in range(config.files):
        (folder / str(number)).write_text(f"{config.word} {number}")
    return Words(folder)


@dg.asset(deps=[upstream])
def meeting(context: dg.AssetExecutionContext) -> None:
    if place := os.environ.get("MEET"):
        Path(place, context.run_id).touch()
        while len(list(Path(place).iterdir())) < 2:
            time.sleep(0.05)


@dg.asset(deps=[meeting])
def downstream(upstream: Words, scratch: Scratch) -> Words:
    folder = scratch.folder("downstream")
    for file in upstream.folder.iterdir():
        (folder / file.name).write_text(f"{file.read_text()} downstream")
    return Words(folder)


def main() -> None:
    word, files = sys.argv[1:]
    config = {"ops": {"upstream": {"config": {"word": word, "files": int(files)}}}}
    print("begins", flush=True)  # noqa: T201
    dg.materialize([upstream, meeting, downstream], resources=deployment(os.environ).resources, run_config=config)


if __name__ == "__main__":
    main()
