"""An asset of 5,000 files of 50 KB on its way into a local store: `python -m …benchmarks.io_manager`.

Beside it the same with a second save and a second hash of every file, as if the index did not travel with the value.
Both in turn, in one process. The ratio is the figure: other work on the machine slows both.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from legosigns_dagster.assets.metadata import versioned
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.builders import Note

SIZE = 50_000


class HashedTwice(FolderIOManager):
    """Forgets the index that comes with a value."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        super().handle_output(context, replace(obj, index=None))


def materialize(kind: type[FolderIOManager], files: int, folder: Path) -> float:
    """Materialize an asset with this many files into an empty store.

    Returns:
        The seconds from the files on disk to the end of the step.
    """
    store = LocalStore(folder=str(folder / "store"))
    scratch = Scratch(store=store)
    began: list[float] = []

    @dg.asset
    def images(scratch: Scratch) -> dg.Output[Note]:
        own = scratch.folder("images")
        for number in range(files):
            (own / f"{number}.bin").write_bytes(np.random.default_rng(number).bytes(SIZE))
        (own / "note.txt").write_text("5,000 images")
        began.append(time.perf_counter())
        return versioned(Note(own), {})

    dg.materialize([images], resources={"scratch": scratch, "io_manager": kind(store=store, scratch=scratch)})
    seconds = time.perf_counter() - began[0]
    shutil.rmtree(folder / "store")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    ratios = []
    print("turn  hashed once, s  hashed twice, s  ratio")
    for turn in range(given.turns):
        with tempfile.TemporaryDirectory() as name:
            once, twice = (materialize(kind, given.files, Path(name)) for kind in (FolderIOManager, HashedTwice))
        ratios.append(once / twice)
        print(f"{turn:4} {once:15.2f} {twice:16.2f} {ratios[-1]:6.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
