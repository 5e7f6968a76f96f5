"""What a training was: it is stored beside its weights, and the report reads it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.files import ABOUT

RECORD = "training.json"  # the same name below about/ has what differs from run to run
RECORD_UNTIL_0_1 = "weights.json"  # where the record lay under "trained_on", and in other words


@dataclass(frozen=True)
class InterpolatedWeights:
    """Weights between the base and the trained ones, with their score on val images.

    Attributes:
        alpha: 0 for the base, 1 for the trained weights, in between for a linear interpolation.
        score: What they reach on val images.
    """

    alpha: float
    score: Score

    def as_dict(self) -> dict[str, float | None]:
        """Alpha and each value of the score by its name."""
        return {"alpha": self.alpha, **self.score.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, float | None]) -> "InterpolatedWeights":
        """Read what `as_dict` wrote."""
        return cls(float(values["alpha"] or 0), Score.from_dict(values))

    def __str__(self) -> str:
        """The weights as the log shows them."""
        return f"alpha {self.alpha}: {self.score}"


@dataclass(frozen=True)
class Selection:
    """The weights that were tried after a training, and which were kept.

    Attributes:
        candidates: All that were scored, the base first (alpha 0), then by rising alpha.
        selected: The candidate that was kept.
    """

    candidates: tuple[InterpolatedWeights, ...]
    selected: InterpolatedWeights

    @property
    def base(self) -> InterpolatedWeights:
        """The base weights, with their score."""
        return self.candidates[0]


@dataclass(frozen=True)
class TrainingRun:
    """What differs when the same training runs twice.

    Attributes:
        seconds: Wall time of training, selection and export.
        peak_memory_mb: Largest resident set of the process so far, in MB.
        resumed_from_epoch: Epochs that an interrupted training had finished; 0 for one that was not interrupted.
    """

    seconds: float
    peak_memory_mb: int
    resumed_from_epoch: int = 0

    def as_dict(self) -> dict[str, float]:
        """Each value by its name, without `resumed_from_epoch` where nothing was resumed."""
        return {name: value for name, value in asdict(self).items() if value or name != "resumed_from_epoch"}


@dataclass(frozen=True)
class TrainingRecord:
    """What weights were trained on and how, what was tried, and what to be careful about.

    Attributes:
        settings: The settings, with the image size in pixels that was used.
        images: Number of training images by kind, and how many an epoch shows.
        versions: First digits of the digest of each dataset, and of the base's checkpoint, by asset.
        caveats: What the result cannot be trusted with, a sentence each.
        selection: The choice between base and trained weights; None where interpolation was off.
        without_synthesis: Score of a training without synthetic images; None where it was not measured.
        run: Wall time and memory, which do not count as content.
    """

    settings: TrainingSettings
    images: Mapping[str, int]
    versions: Mapping[str, str]
    caveats: Sequence[str]
    selection: Selection | None
    without_synthesis: Score | None
    run: TrainingRun

    def save(self, folder: Path) -> None:
        """Write the record into the folder of its weights."""
        candidates = [one.as_dict() for one in self.selection.candidates] if self.selection else []
        content = {
            "settings": self.settings.model_dump(),
            "images": dict(self.images),
            "versions": dict(self.versions),
            "caveats": list(self.caveats),
            "candidates": candidates,
            "selected_alpha": self.selection.selected.alpha if self.selection else None,
            "without_synthesis": self.without_synthesis.as_dict() if self.without_synthesis else None,
        }
        (folder / RECORD).write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")
        (folder / ABOUT).mkdir(exist_ok=True)
        (folder / ABOUT / RECORD).write_text(json.dumps(self.run.as_dict(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrainingRecord | None":
        """Read the record of the weights in a folder, as this or an earlier version of the package wrote it.

        Returns:
            The record, or None for weights that people gave.
        """
        stored = stored_record(folder)
        if stored is None:
            return None
        without = stored.get("without_synthesis")
        return cls(
            settings=TrainingSettings.from_stored(stored["settings"]),
            images=stored["images"],
            versions=stored["versions"],
            caveats=tuple(stored["caveats"]),
            selection=read_selection(stored["candidates"], stored["selected_alpha"]),
            without_synthesis=Score.from_dict(without) if without else None,
            run=TrainingRun(**json.loads((folder / ABOUT / RECORD).read_text(encoding="utf-8"))),
        )


def read_selection(candidates: Sequence[Mapping[str, float | None]], alpha: float | None) -> Selection | None:
    """Read a stored selection; None where there was none."""
    if alpha is None:
        return None
    found = tuple(map(InterpolatedWeights.from_dict, candidates))
    # The first of the two may be the base, of which alpha is 0: weights are never selected by that.
    return Selection(found, next(one for one in found[1:] if one.alpha == alpha))


def stored_record(folder: Path) -> Mapping[str, Any] | None:
    """Read a record's JSON, with that of version 0.1 in the words of today; None where there is none."""
    if (folder / RECORD).is_file():
        record: Mapping[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record
    old = json.loads((folder / RECORD_UNTIL_0_1).read_text(encoding="utf-8")).get("trained_on")
    if old is None:
        return None
    *candidates, selected = old.get("mixtures") or [None]
    alpha = selected["alpha"] if selected else None
    return {**old, "caveats": old.get("cautions") or [], "candidates": candidates, "selected_alpha": alpha}
