"""Base and new weights on the same images of both slices, as a report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.detector.detector import Detector, EvaluationImages
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.evaluation import ALL, Evaluation
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
    slices, served = [], []
    for one, dataset in images.items():
        if len(dataset.images):
            written = EvaluationImages.write(dataset, work / one.val_folder)
            before, after = (detector.evaluate(weights, written, new.image_size) for weights in (base, new))
            slices.append(SliceResults(one.title, dataset, before, after, one.headline))
            if new.contract and new.contract.image_size != new.image_size:
                at_serving_size = detector.evaluate(new, written, new.contract.image_size)
                served.append(serving_difference(one, after, at_serving_size))
    curves = pd.read_csv(new.folder / "results.csv", skipinitialspace=True)
    selected_on = [part.name for part in slices if (part.dataset.images["split"] == VAL).all()]
    notes = build_notes(run_id, new, earlier, selected_on, caveats, served)
    return write_report(compare(slices), slices, curves, notes, into)


def serving_difference(one: Slice, trained: Evaluation, served: Evaluation) -> str:
    """Say what a slice's mAP50-95 is at the size at which the model is served, and at the trained size."""
    before, after = (
        evaluation.metrics.set_index("class_name").loc[ALL, "map50_95"] for evaluation in (trained, served)
    )
    return f"{one.title}: mAP50-95 {after:.3f} ({after - before:+.3f})"
