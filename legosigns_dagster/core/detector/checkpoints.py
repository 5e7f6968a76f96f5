"""Where the state of a training outlives its process, and under which key: by what decides the training's result."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.files import sha256_of
from legosigns_dagster.core.detector.settings import TrainingSettings

LIBRARIES = ("torch", "ultralytics-opencv-headless", "numpy", "opencv-python-headless")


class Checkpoints(Protocol):
    """Keeps for each training, by its key, the state after its last finished epoch."""

    def fetch(self, key: str, into: Path) -> bool:
        """Write the state that is kept to a file; False where there is none."""

    def keep(self, key: str, file: Path) -> None:
        """Take over the file of a state, in the place of an older one. What fails is told, and no error."""


def training_key(base: Path, settings: TrainingSettings, versions: Mapping[str, str]) -> str:
    """The SHA-256 over all that decides what a training leaves: what it starts from and learns from, its settings, the
    libraries, and this package's own rules. A state must never be gone on from by a training of another key.
    """
    facts = {
        "base": sha256_of(base),
        "settings": settings.model_dump(),
        "versions": dict(versions),
        "libraries": {name: version(name) for name in LIBRARIES},
        "rules": {file.name: sha256_of(file) for file in Path(__file__).parent.glob("*.py")},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
