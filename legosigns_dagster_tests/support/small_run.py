"""A run of small assets in its own process: `python -m legosigns_dagster_tests.support.small_run WORD FILES`.

It uses the store of the deployment. If MEET names a folder, the run waits between its assets until two runs have
written a file there, so that both are at the same point at the same time.
"""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.deployments import deployment
from legosigns_dagster.resources.scratch import Scratch


@dataclass(frozen=True)
class Words:
    """Files that each hold one word.

    Attributes:
        folder: Where they are.
    """

    folder: Path
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    def save(self) -> Path:
        """Return the folder, which is what is stored."""
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Words":
        """Load them from a folder."""
        return cls(folder)


class WordsConfig(dg.Config):
    """What to write, and into how many files."""

    word: str
    files: int


@dg.asset
def upstream(config: WordsConfig, scratch: Scratch) -> Words:
    """Write the files."""
    folder = scratch.folder("upstream")
    for number in range(config.files):
        (folder / str(number)).write_text(f"{config.word} {number}")
    return Words(folder)


@dg.asset(deps=[upstream])
def meeting(context: dg.AssetExecutionContext) -> None:
    """Wait for the other run."""
    if folder := os.environ.get("MEET"):
        Path(folder, context.run_id).touch()
        while len(list(Path(folder).iterdir())) < 2:
            time.sleep(0.05)


@dg.asset(deps=[meeting])
def downstream(upstream: Words, scratch: Scratch) -> Words:
    """Write one file for each file of upstream."""
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
