"""Between the base weights and the trained ones: as much of the new as the old skill allows.

Weights of a model and of its fine-tuned copy can be averaged (Wortsman et al., Robust fine-tuning of zero-shot models,
CVPR 2022; Ilharco et al., Patching open-vocabulary models by interpolating weights, NeurIPS 2022).
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.files import link_or_copy
from legosigns_dagster.core.progress import Log

ALPHAS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
TIE = 0.02  # of mAP50-95: less than the noise of a few dozen images
BLIND_ALPHA = 0.2  # where no classical image tells what was lost: mAP50-95 fell by 0.012 then, at 0.5 by 0.047


@dataclass(frozen=True)
class Mixture:
    """Weights that are `alpha` (0 to 1) of the way from the base to the trained ones, with their score on val."""

    alpha: float
    score: Score

    def facts(self) -> dict[str, float | None]:
        """Alpha and the score's figures by name."""
        return {"alpha": self.alpha, **self.score.facts()}

    def __str__(self) -> str:
        return f"alpha {self.alpha}: {self.score}"


def best_of(base: Score, mixtures: Sequence[Mixture], allowed_loss: float) -> Mixture:
    """The one that is worth most (see `Score.worth`), or the nearest to the trained weights that is as good.

    More than twice what is allowed is never lost where there is a choice, whatever it would bring.
    As good is what loses no more of the old skill than it or the budget, and is worth hardly less: val images of scenes
    that were trained on soon tell nothing between the mixtures, while on scenes that nobody has seen more is better.
    """
    ceiling = base.classical_map50_95 - 2 * allowed_loss
    affordable = [mixture for mixture in mixtures if not mixture.score.classical_map50_95 < ceiling] or mixtures
    best = max(affordable, key=lambda mixture: (mixture.score.worth(base, allowed_loss), mixture.alpha))
    least = min(base.classical_map50_95 - allowed_loss, best.score.classical_map50_95)
    as_good = [
        mixture
        for mixture in affordable
        if mixture.score.worth(base, allowed_loss) >= best.score.worth(base, allowed_loss) - TIE
        and not mixture.score.classical_map50_95 < least
    ]
    return max(as_good, key=lambda mixture: mixture.alpha)


@dataclass(frozen=True)
class Referee:
    """Scores weights on both val parts, at this image size; `work` is an empty folder."""

    detector: Detector
    classical: Dataset
    lego: Dataset
    image_size: int
    work: Path

    def score(self, file: Path, classes: SignClasses, name: str) -> Score:
        """The score of a weights file; `name` is that of no other one."""
        (folder := self.work / name).mkdir(parents=True)
        link_or_copy(file, folder / "best.pt")
        weights = Weights(folder, classes, self.image_size)
        return Score.of(*(self._matches(weights, part, folder) for part in (self.classical, self.lego)))

    def _matches(self, weights: Weights, part: Dataset, folder: Path) -> Matches | None:
        if not len(part.images):
            return None
        with tempfile.TemporaryDirectory(dir=folder) as work:
            return self.detector.evaluate(weights, part, self.image_size, Path(work)).matches


@dataclass(frozen=True)
class Mixing:
    """What every mixture is made of and scored by, and an empty folder to work in."""

    referee: Referee
    base: Weights
    trained: Path
    work: Path

    def measured(self, alpha: float) -> Mixture:
        """The mixture of this alpha, scored; its file is left in `file(alpha)`."""
        self.referee.detector.mix(self.base, self.trained, alpha, self.file(alpha))
        return Mixture(alpha, self.referee.score(self.file(alpha), self.base.classes, f"alpha-{alpha}"))

    def file(self, alpha: float) -> Path:
        """Where the mixture of this alpha is kept."""
        return self.work / f"alpha-{alpha}.pt"

    def choose(self, base: Score, allowed_loss: float, into: Path, log: Log) -> list[Mixture]:
        """Put the best mixture into file `into`; all that were tried, the base first, the chosen one last."""
        log.info(f"the base: {base}")
        mixtures = []
        for alpha in ALPHAS if len(self.referee.classical.images) else (BLIND_ALPHA,):
            mixtures.append(self.measured(alpha))
            log.info(str(mixtures[-1]))
        best = best_of(base, mixtures, allowed_loss)
        log.info(f"chosen: {best}")
        shutil.copyfile(self.file(best.alpha), into)
        return [Mixture(0.0, base), *mixtures, best]
