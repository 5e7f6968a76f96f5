"""Base and new weights on the same images of both slices, as a report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.evaluate_slices import evaluate_both, evaluate_slices
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.evaluation.formatting import format_difference, format_value
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
        into: An empty folder for the report.
        caveats: What this comparison cannot be trusted with, a sentence each.
    """
    slices = evaluate_both(detector, base, new, images)
    served = serving_differences(detector, new, images, slices)
    curves = pd.read_csv(new.folder / "results.csv", skipinitialspace=True)
    selected_on = [part.name for part in slices if (part.dataset.images["split"] == VAL).all()]
    notes = build_notes(run_id, new, earlier, selected_on, caveats, served)
    return write_report(compare(slices), slices, curves, notes, into)


def serving_differences(
    detector: Detector, new: Weights, images: Mapping[Slice, Dataset], slices: Sequence[SliceResults]
) -> list[str]:
    """Say for each slice what mAP50-95 is at the size at which the model is served, where it is another one."""
    if new.contract is None or new.contract.image_size == new.image_size:
        return []
    sentences = []
    served = evaluate_slices(detector, new.file, images, new.contract.image_size)
    for part, other in zip(slices, served.values(), strict=True):
        before, after = (one.metrics.set_index("class_name").loc[ALL, "map50_95"] for one in (part.new, other))
        sentences.append(f"{part.name}: mAP50-95 {format_value(after)} ({format_difference(after - before)})")
    return sentences
