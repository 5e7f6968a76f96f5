"""Step 4, the report: whether the new weights are better, on which signs, and by how much."""

import json
from typing import Any

import dagster as dg
import pandas as pd

from legosigns_dagster.assets.metadata import table, versioned
from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.notes import told_of
from legosigns_dagster.core.report.report import ComparisonReport, write_report
from legosigns_dagster.kubernetes.pod_specs import GPU_POD
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.storage.store import Store


@dg.asset(group_name="report", kinds={"html", "pandas"}, op_tags=GPU_POD, pool="gpu")
def comparison_report(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[Store],
    scratch: Scratch,
    detector: dg.ResourceParam[Detector],
    base_weights: Weights,
    model_weights: Weights,
    raw_annotations: Dataset,
    classical_signs: Dataset,
) -> dg.Output[ComparisonReport]:
    """Base and new on the same images, classical signs and LEGO signs apart, as a page that opens in a browser."""
    parts = {Slice.CLASSICAL: classical_signs.evaluation_part(), Slice.LEGO: raw_annotations.evaluation_part()}
    slices = [
        SliceResults(
            one.title,
            part,
            detector.evaluate(base_weights, part, model_weights.image_size, scratch.folder("val")),
            detector.evaluate(model_weights, part, model_weights.image_size, scratch.folder("val")),
            one.headline,
        )
        for one, part in parts.items()
        if len(part.images)
    ]
    comparison = compare(slices)
    curves = pd.read_csv(model_weights.folder / "results.csv", skipinitialspace=True)
    chosen_on = [part.name for part in slices if (part.dataset.images["split"] == VAL).all()]
    told = told_of(context.run_id, model_weights, runs_so_far(store.snapshots()), chosen_on)
    report = write_report(comparison, slices, curves, told, scratch.folder("comparison_report"))
    verdicts = "\n".join(comparison.verdict(part.name) for part in slices)
    context.log.info(f"base against new\n{comparison.summary()}\n{verdicts}")
    figures: dict[str, Any] = {
        f"{row.slice} {row.metric} difference".replace(" ", "_"): float(row.difference)
        for row in comparison.table.itertuples()
        if row.class_name == "all" and row.difference == row.difference
    }
    shown = {"verdict": dg.MetadataValue.text(verdicts), "summary": table(comparison.summary_rows())}
    shown |= {**figures, "metrics": table(comparison.table)}
    return versioned(report, shown)


def runs_so_far(snapshots: SnapshotStore) -> list[tuple[float, float]]:
    """mAP50-95 on classical and on LEGO signs of each comparison that is kept; one of an older layout is left out."""
    found = []
    for version in snapshots.versions("comparison_report"):
        figures = json.loads(snapshots.read(version, "metrics.json"))
        try:
            point = tuple(float(figures[one.title]["all"]["map50_95"]["new"]) for one in Slice)
        except (KeyError, TypeError):
            continue
        found.append((point[0], point[1]))
    return found
