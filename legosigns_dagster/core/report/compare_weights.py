"""Base and new weights on the same images of both slices, as a report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.evaluate_slices import evaluate_slices
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import compare
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.metric_charts import Point
from legosigns_dagster.core.report.notes import build_notes
from legosigns_dagster.core.report.report import ComparisonReport, write_report


def compare_weights(
    detector: Detector,
    base: Weights,
    new: Weights,
    images: Mapping[Slice, Dataset],
    earlier: Sequence[Point],
    run_id: str,
    work: Path,
    into: Path,
    caveats: Sequence[str] = (),
) -> ComparisonReport:
    """Evaluate both weights, compare them on each slice that has images, and write the report.

    Args:
        detector: Evaluates the weights.
        base: The base weights.
        new: The weights that a run trained.
        images: The images of each slice.
        earlier: MAP50-95 on classical and LEGO signs of each earlier comparison.
        run_id: Id of the run that makes the report.
        work: An empty folder to evaluate in.
        into: An empty folder for the report.
        caveats: What this comparison cannot be trusted with, a sentence each.
    """
    slices = evaluate_slices(detector, base, new, images, work)
    curves = pd.read_csv(new.folder / "results.csv", skipinitialspace=True)
    selected_on = [part.name for part in slices if (part.dataset.images["split"] == VAL).all()]
    notes = build_notes(run_id, new, earlier, selected_on, caveats)
    return write_report(compare(slices), slices, curves, notes, into)
