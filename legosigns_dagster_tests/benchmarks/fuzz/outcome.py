"""What becomes of one damaged input, and how that is judged."""

import os
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster_tests.support.stored_images import as_trained

Result: TypeAlias = Literal["refused", "used", "escaped", "lost"]
# How the errors begin by which a whole file is refused: each of these names the file.
OWN_ERRORS = (ValueError, FileNotFoundError)


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged input.

    Attributes:
        result: Refused by name, used, or what must not be: an error that escaped, or something good that was lost.
        detail: What happened, in words.
    """

    result: Result
    detail: str = ""


def judge(good_lost: Iterable[str], is_used: bool, named: Iterable[str]) -> Outcome:
    """Judge what was read: everything good is there, and what is damaged is used or named."""
    if lost := list(good_lost):
        return Outcome("lost", f"lost or broken: {', '.join(lost)}")
    if is_used:
        return Outcome("used")
    reasons = list(named)
    return Outcome("refused", reasons[0]) if reasons else Outcome("lost", "what is damaged is neither used nor named")


def judge_error(error: Exception, name: str) -> Outcome:
    """Judge the error by which a whole file was refused: one of our own that names the file.

    Raises:
        Exception: The error itself, where it is another.
    """
    if type(error) in OWN_ERRORS and name in str(error):
        return Outcome("refused", str(error))
    raise error


def find_broken(dataset: Dataset) -> list[str]:
    """Find what a later step could not use: the dataset is stored and loaded again as that step loads it."""
    loaded = Dataset.load(dataset.save())
    broken = [*validation.unreadable_images(loaded), *validation.boxes_outside(loaded)]
    broken += [
        str(row.file)
        for row in loaded.images.itertuples()
        if as_trained(loaded.folder / str(row.file)).shape[:2] != (row.height, row.width)
    ]
    return broken


def place_oddity(file: Path, chance: random.Random) -> None:
    """Put something that is no plain file in the place of one."""
    match chance.randrange(7):
        case 0:
            file.mkdir()
            (file / "inside.bin").write_bytes(b"x")
        case 1:
            os.mkfifo(file)
        case 2:
            file.symlink_to(
                chance.choice(("/dev/zero", "/dev/full", "/proc/self/mem", "/etc", "/nowhere", "/etc/passwd"))
            )
        case 3:
            file.symlink_to(file.name)
        case 4:
            file.symlink_to("..")
        case 5:
            file.touch(0o000)
        case 6:
            os.mkfifo(file.parent / ".fifo")
            file.symlink_to(".fifo")
