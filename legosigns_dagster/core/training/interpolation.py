"""Between the base weights and the trained ones: as much of the new skill as the old skill allows.

The weights of a model and of its fine-tuned copy can be interpolated linearly, and the result keeps most of both
(Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022; Ilharco et al., Patching open-vocabulary models by
interpolating weights, NeurIPS 2022).
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from legosigns_dagster.core.detector.training_record import InterpolatedWeights, Selection
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.training.validation import ValidationScorer

ALPHAS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
TIE_MARGIN = 0.02  # of mAP50-95: less than the noise of a few dozen images
# Where no classical image tells what was lost: mAP50-95 fell by 0.012 with this alpha, and by 0.047 with 0.5.
DEFAULT_ALPHA = 0.2


def select_best(base: Score, candidates: Sequence[InterpolatedWeights], max_map_drop: float) -> InterpolatedWeights:
    """Select one of the candidates by LEGO mAP50-95 and by what classical mAP50-95 they lose.

    Candidates that lose more than 2 * `max_map_drop` are excluded, unless all do. The best of the others has the
    highest `Score.selection_score`. Among those within 0.02 of it that lose no more than the best or than
    `max_map_drop`, the largest alpha is taken: val images of scenes that were trained on hardly tell the candidates
    apart, while on unseen scenes a larger alpha was better.

    Example:
        >>> tried = [InterpolatedWeights(0.5, Score(0.84, 0.9, 0.3)), InterpolatedWeights(0.9, Score(0.82, 0.9, 0.8))]
        >>> select_best(Score(0.85, 0.4, 0.2), tried, max_map_drop=0.01).alpha
        0.5
    """
    floor = base.classical_map50_95 - 2 * max_map_drop
    affordable = [one for one in candidates if not one.score.classical_map50_95 < floor] or list(candidates)
    best = max(affordable, key=lambda one: (one.score.selection_score(base, max_map_drop), one.alpha))
    least = min(base.classical_map50_95 - max_map_drop, best.score.classical_map50_95)
    lowest = best.score.selection_score(base, max_map_drop) - TIE_MARGIN
    tied = [
        one
        for one in affordable
        if one.score.selection_score(base, max_map_drop) >= lowest and not one.score.classical_map50_95 < least
    ]
    return max(tied, key=lambda one: one.alpha)


def select_interpolation(
    scorer: ValidationScorer, base: Weights, base_score: Score, best: Path, work: Path, max_map_drop: float, log: Log
) -> Selection:
    """Score weights between the base and the trained ones, and keep the selected ones.

    Args:
        scorer: Scores weights on the val images.
        base: The base weights.
        base_score: Their score.
        best: The trained weights' file, which is overwritten with the selected weights.
        work: The training's own folder, in which `trained.pt` and each candidate are left.
        max_map_drop: Allowed drop of classical mAP50-95, 0 to 1.
        log: Gets a line for each candidate.
    """
    trained = shutil.copyfile(best, work / "trained.pt")
    log.info(f"the base: {base_score}")
    candidates = []
    for alpha in ALPHAS if scorer.has_classical_images else (DEFAULT_ALPHA,):
        file = candidate_file(work, alpha)
        scorer.detector.interpolate(base, trained, alpha, file)
        candidates.append(InterpolatedWeights(alpha, scorer.score(file)))
        log.info(str(candidates[-1]))
    selected = select_best(base_score, candidates, max_map_drop)
    log.info(f"selected: {selected}")
    shutil.copyfile(candidate_file(work, selected.alpha), best)
    return Selection((InterpolatedWeights(0.0, base_score), *candidates), selected)


def candidate_file(work: Path, alpha: float) -> Path:
    """The file of the interpolated weights of this alpha."""
    return work / f"alpha-{alpha}.pt"
