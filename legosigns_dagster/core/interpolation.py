"""Between the base weights and the trained ones: as much of the new as the old skill allows.

Weights of a model and of its fine-tuned copy can be averaged (Wortsman et al., Robust fine-tuning of zero-shot models,
CVPR 2022; Ilharco et al., Patching open-vocabulary models by interpolating weights, NeurIPS 2022).
"""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.dataset import Dataset
from legosigns_dagster.core.detector import Detector, Weights
from legosigns_dagster.core.evaluation import ALL
from legosigns_dagster.core.progress import Log

PRICE = 10.0  # what a loss on classical signs beyond the allowed one counts, against a gain on LEGO signs
ALPHAS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Mixture:
    """Weights that are `alpha` (0 to 1) of the way from the base to the trained ones, with their metrics on val.

    NaN where there is no val image.
    """

    alpha: float
    classical_map50_95: float
    lego_map50: float
    lego_map50_95: float

    def facts(self) -> dict[str, float | None]:
        """Its figures by name; None where there is no val image, since JSON has no NaN."""
        return {name: None if math.isnan(value) else value for name, value in vars(self).items()}

    def __str__(self) -> str:
        classical = f"classical mAP50-95 {self.classical_map50_95:.3f}"
        return f"alpha {self.alpha}: {classical}, LEGO mAP50 {self.lego_map50:.3f} mAP50-95 {self.lego_map50_95:.3f}"


def best_of(base: Mixture, mixtures: Sequence[Mixture], allowed_loss: float) -> Mixture:
    """The best on LEGO signs (mAP50-95), less ten times what classical mAP50-95 lost beyond what is allowed.

    A hard limit would throw away most of the new skill for a thousandth, which is less than the noise of the measure.
    Where there is no classical image, the trained weights.
    """
    if math.isnan(base.classical_map50_95):
        return mixtures[-1]

    def worth(mixture: Mixture) -> float:
        beyond = max(base.classical_map50_95 - mixture.classical_map50_95 - allowed_loss, 0.0)
        return mixture.lego_map50_95 - PRICE * beyond

    return max(mixtures, key=lambda mixture: (worth(mixture), mixture.alpha))


@dataclass(frozen=True)
class Mixing:
    """What every mixture is made of and measured on, and an empty folder to work in."""

    detector: Detector
    base: Weights
    trained: Path
    classical: Dataset
    lego: Dataset
    image_size: int
    work: Path

    def measured(self, alpha: float) -> Mixture:
        """The mixture of this alpha, measured; its file is left in `file(alpha)`."""
        self.file(alpha).parent.mkdir(parents=True)
        self.detector.mix(self.base, self.trained, alpha, self.file(alpha))
        weights = Weights(self.file(alpha).parent, self.base.classes, self.image_size)
        _, classical = self._maps(weights, self.classical, f"classical-{alpha}")
        return Mixture(alpha, classical, *self._maps(weights, self.lego, f"lego-{alpha}"))

    def file(self, alpha: float) -> Path:
        """Where the mixture of this alpha is kept."""
        return self.work / f"alpha-{alpha}" / "best.pt"

    def _maps(self, weights: Weights, part: Dataset, name: str) -> tuple[float, float]:
        if not len(part.images):
            return math.nan, math.nan
        (folder := self.work / name).mkdir()
        metrics = self.detector.evaluate(weights, part, self.image_size, folder).metrics.set_index("class_name")
        return float(metrics.loc[ALL, "map50"]), float(metrics.loc[ALL, "map50_95"])

    def choose(self, allowed_loss: float, into: Path, log: Log) -> list[Mixture]:
        """Put the best mixture into file `into`; all that were tried, the base first, the chosen one last."""
        base = self.measured(0.0)
        log(f"the base: {base}")
        mixtures = []
        for alpha in ALPHAS:
            mixtures.append(self.measured(alpha))
            log(str(mixtures[-1]))
        best = best_of(base, mixtures, allowed_loss)
        log(f"chosen (beyond a loss of {allowed_loss} on classical signs, each counts {PRICE:g} times): {best}")
        shutil.copyfile(self.file(best.alpha), into)
        return [base, *mixtures, best]
