"""One damaged input: made from the seed, its sort and its number alone, read, and measured."""

import os
import random
import resource
import tempfile
import time
from functools import cache
from pathlib import Path

from legosigns_dagster_tests.benchmarks.fuzz import annotations, folders, synthesis
from legosigns_dagster_tests.benchmarks.fuzz.outcome import Outcome

SORTS = {
    "images": annotations.try_image,
    "exports": annotations.try_export,
    "sink files": annotations.try_sink,
    "YOLO folders": folders.try_yolo,
    "archives": folders.try_archive,
    "cut-outs": synthesis.try_cutout,
}


@cache
def shared_folder() -> Path:
    """Write what all inputs of this process are made from."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-shared-", dir=os.environ.get("FUZZ_FOLDER")))
    annotations.write_good_images(folder / "images")
    synthesis.write_templates(folder)
    return folder


def try_item(sort: str, seed: int, number: int) -> Outcome:
    """Make one input and read it."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=os.environ.get("FUZZ_FOLDER")) as folder:
        return SORTS[sort](random.Random(f"{seed}/{sort}/{number}"), Path(folder), shared_folder())


def measure_item(sort: str, seed: int, number: int) -> tuple[Outcome, float, float]:
    """Try one item; also return its seconds and the peak memory of this process in MiB."""
    shared_folder()
    start = time.perf_counter()
    try:
        outcome = try_item(sort, seed, number)
    except BaseException as error:
        outcome = Outcome("escaped", f"{type(error).__name__}: {error}")
    return outcome, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def silence() -> None:
    """Keep the decoders' own messages off the terminal."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
