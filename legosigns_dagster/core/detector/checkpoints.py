"""Where the state of a training outlives its process, and the key under which it is found again."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.files import file_sha256

LIBRARIES = ("torch", "ultralytics-opencv-headless", "numpy", "opencv-python-headless")
PACKAGE = Path(__file__).parents[2]
RULE_FOLDERS = ("core", "detectors")


class Checkpoints(Protocol):
    """Keeps the state of each training after its last finished epoch, by the training's key."""

    def fetch(self, key: str, into: Path) -> bool:
        """Write the kept state to file `into`.

        Returns:
            False where there is none.
        """

    def keep(self, key: str, file: Path) -> None:
        """Take over the file of a state, in place of an older one. A failure is a warning in the log, no error."""


def rule_files() -> dict[str, str]:
    """SHA-256 of every source file below `core` and `detectors`, by its path below the package.

    With fewer files, an interrupted training would be resumed under changed rules.
    """
    files = [file for room in RULE_FOLDERS for file in (PACKAGE / room).rglob("*.py")]
    return {file.relative_to(PACKAGE).as_posix(): file_sha256(file) for file in sorted(files)}


def training_key(
    base: Path, settings: TrainingSettings, versions: Mapping[str, str], rules: Mapping[str, str] | None = None
) -> str:
    """Identify a training by all that decides its result.

    Never resume from a state that was saved under another key.

    Args:
        base: The weights file that the training starts from.
        settings: The training's settings.
        versions: Digest of each dataset by its name.
        rules: Digest of each source file by its path; by default `rule_files()`.

    Returns:
        A SHA-256 as 64 hex digits.
    """
    facts = {
        "base": file_sha256(base),
        "settings": settings.model_dump(),
        "versions": dict(versions),
        "libraries": {name: version(name) for name in LIBRARIES},
        "rules": dict(rule_files() if rules is None else rules),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
