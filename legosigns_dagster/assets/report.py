"""Step 4, the report: whether the new weights are better, for which signs, and by how much."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from legosigns_dagster.assets.lineage import evaluation_images, given_versions, origins_in_run, require_trained_with
from legosigns_dagster.assets.metadata import versioned
from legosigns_dagster.assets.page import Page, drawing
from legosigns_dagster.assets.weights import non_retryable_errors
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import Comparison, read_new_value
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.lineage import MADE_FROM
from legosigns_dagster.core.report.compare_weights import compare_weights
from legosigns_dagster.core.report.comparison_picture import comparison_picture
from legosigns_dagster.core.report.metric_charts import Point
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.kubernetes.gpu_pool import GPU_POOL
from legosigns_dagster.kubernetes.pod_specs import GPU_POD, retries
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.storage.store import Store
from legosigns_dagster.resources.versions.listing import read_versions


@dg.asset(
    group_name="report", kinds={"html", "pandas"}, op_tags=GPU_POD, pool=GPU_POOL, retry_policy=retries(os.environ)
)
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
    """Base and new weights compared on the same images, for classical signs and LEGO signs, as a page for a browser."""
    given = given_versions(base_weights, raw_annotations, classical_signs)
    images = evaluation_images(raw_annotations, classical_signs)
    with non_retryable_errors():
        unknown = require_trained_with(store.snapshots(), model_weights, given)
        for caveat in unknown:
            context.log.warning(caveat)
        report = compare_weights(
            detector,
            base_weights,
            model_weights,
            images,
            earlier_points(store.snapshots(), {name: given[name] for name in ("raw_annotations", "classical_signs")}),
            context.run.run_id,
            scratch.folder("comparison_report"),
            unknown,
        )
    comparison = report.comparison
    verdicts = "\n".join(comparison.verdict_sentence(one.title) for one, part in images.items() if len(part.images))
    context.log.info(f"base weights and new weights compared\n{comparison.summary()}\n{verdicts}")
    page = replace(comparison_page(comparison, {"verdict": verdicts}), details=overall_differences(comparison))
    return versioned(replace(report, made_from=given), page.entries())


def comparison_page(comparison: Comparison, facts: Mapping[str, Any]) -> Page:
    """The intervals of the verdicts as a chart, and the short table."""
    chart = drawing(comparison_picture(comparison), "what changed from base to new weights, with 95 % intervals")
    return Page(chart, facts, {"summary": comparison.summary_rows().drop(columns="images")})


def overall_differences(comparison: Comparison) -> dict[str, float]:
    """The differences of all metrics over all classes, by slice and metric: Dagster draws them over the runs."""
    return {
        f"{row.slice} {row.metric} difference".replace(" ", "_"): round(float(row.difference), 4)
        for row in comparison.table.itertuples()
        if row.class_name == ALL and not math.isnan(row.difference)
    }


def earlier_points(snapshots: SnapshotStore, images: Mapping[str, str]) -> list[Point]:
    """Read mAP50-95 on classical and LEGO signs from each stored report that was made on the same images.

    Args:
        snapshots: The store.
        images: Digests of the datasets that the images are from, by asset.
    """
    points = []
    for version in read_versions(snapshots, "comparison_report"):
        if MADE_FROM in version.files:
            made_from = json.loads(snapshots.read(version, MADE_FROM))
        else:
            made_from = origins_in_run(snapshots, version.run_id, images)
        metrics_json = snapshots.read(version, "metrics.json")
        classical, lego = (read_new_value(metrics_json, one.title, "map50_95") for one in Slice)
        if {**made_from, **images} == made_from and classical is not None and lego is not None:
            points.append((classical, lego))
    return points
