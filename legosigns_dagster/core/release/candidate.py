"""A candidate for a release: the files, and what was measured on them before anybody judges."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison
from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract

FIGURES = ["base", "new", "difference", "low", "high"]


@dataclass(frozen=True)
class Measured:
    """What was measured on a candidate.

    Attributes:
        released: The number of the release that is served now; 0 before the first one.
        compared_with: What the candidate was compared with, for people: `release 3`, or `base weights`.
        made_from: First digits of the digest of each version that it was made from, by asset.
        parity: A sentence for each engine that was compared with PyTorch.
        parity_breaks: Those of the sentences that say that an engine answers otherwise.
        contract_changes: What clients of the release that is served now would notice.
    """

    released: int
    compared_with: str
    made_from: Mapping[str, str]
    parity: tuple[str, ...]
    parity_breaks: tuple[str, ...]
    contract_changes: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseCandidate:
    """What may become a release: `model.onnx`, `best.pt`, `contract.json`, `golden/`, and what was measured.

    Attributes:
        folder: The folder with the files.
        comparison: The candidate (new) beside what is served now (base).
        measured: What else was measured.
        index: What is in the folder, once it was saved or loaded.
    """

    folder: Path
    comparison: Comparison
    measured: Measured
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    @property
    def contract(self) -> ModelContract:
        """The model's contract."""
        return ModelContract.load(self.folder / FILE_NAME)

    def save(self) -> Path:
        """Write what was measured beside the files, and return the folder."""
        self.comparison.table.to_csv(self.folder / "comparison.csv", index=False, lineterminator="\n")
        text = json.dumps(asdict(self.measured), indent=1, sort_keys=True)
        (self.folder / "measured.json").write_text(text, encoding="utf-8")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "ReleaseCandidate":
        """Read what `save` wrote into this folder."""
        empty_is_nan = {name: [""] for name in FIGURES}
        table = pd.read_csv(folder / "comparison.csv", keep_default_na=False, na_values=empty_is_nan)
        facts: dict[str, Any] = json.loads((folder / "measured.json").read_text(encoding="utf-8"))
        facts |= {name: tuple(facts[name]) for name in ("parity", "parity_breaks", "contract_changes")}
        return cls(folder, Comparison(table[COMPARISON_COLUMNS]), Measured(**facts))
