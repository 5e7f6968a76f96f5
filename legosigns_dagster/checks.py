"""What must hold before the next step spends time. A check that fails names the offenders."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from pydantic import Field

from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset
from legosigns_dagster.core.evaluation.acceptance import BROKEN, KEPT, AcceptanceCriterion, judge
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.core.synthesis.generate import find_misfits
from legosigns_dagster.core.training.caveats import NO_CLASSICAL
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD

SHOWN = 20


def listed(offenders: Sequence[str]) -> dg.MarkdownMetadataValue:
    """The first offenders as a list."""
    return dg.MetadataValue.md("\n".join(f"- {offender}" for offender in offenders[:SHOWN]) or "none")


def verdict(asset: str, name: str, offenders: Sequence[str]) -> dg.AssetCheckResult:
    """Passed when nothing offends; otherwise the first offenders and how many there are."""
    description = f"{len(offenders)}: {'; '.join(offenders[:3])}" if offenders else "nothing to complain about"
    return judgement(asset, name, offenders, not offenders, description)


def judgement(
    asset: str,
    name: str,
    offenders: Sequence[str],
    passed: bool,
    description: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    figures: Mapping[str, float] | None = None,
) -> dg.AssetCheckResult:
    """A check's result: the first offenders, how many there are, and the figures that decided."""
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=asset,
        check_name=name,
        metadata={"offenders": listed(offenders), "count": len(offenders), **(figures or {})},
        severity=severity,
        description=description,
    )


def specs(asset: str, blocking: bool = True, **descriptions: str) -> list[dg.AssetCheckSpec]:
    """Checks of an asset; when a blocking one fails, nothing downstream is started."""
    return [dg.AssetCheckSpec(n, asset=asset, blocking=blocking, description=d) for n, d in descriptions.items()]


class QuarantineConfig(dg.Config):
    """How much may be lost before a run stops, as a form in Dagster's Launchpad."""

    max_quarantined: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of the images that may be in the quarantine, 0 to 1; with more the run stops. Skipped and "
        "unlabelled tasks and second copies of an image do not count.",
    )


def few_quarantined(dataset: Dataset, allowed: float) -> dg.AssetCheckResult:
    """Passed while at most the allowed share of the images is in the quarantine; the worst are named otherwise."""
    lost = validation.images_in_quarantine(dataset)
    told = [f"{row.reason}: {row.image} [task {row.task}]({row.link}): {row.detail}" for row in lost.rows.itertuples()]
    passed, figures = lost.share <= allowed, {"share": lost.share, "allowed": allowed}
    return judgement("raw_annotations", "few_quarantined", told, passed, lost.text(allowed), figures=figures)


@dg.multi_asset_check(
    specs=specs(
        "raw_annotations",
        class_contract="Every box has the id that the base weights give its class.",
        every_class_present="Every class has boxes in train and in val.",
        splits_share_no_group="No near-duplicates on both sides.",
        every_image_readable="Every image decodes and has the size that its boxes were measured on.",
        boxes_inside="Every box is inside its image.",
        few_quarantined="Hardly an image was lost to the quarantine (how many may be is a setting).",
    ),
    op_tags=SMALL_POD,
)
def raw_annotations_checks(config: QuarantineConfig, raw_annotations: Dataset) -> Iterator[dg.AssetCheckResult]:
    """The annotated images can be learned from and measured on."""
    asset = "raw_annotations"
    yield verdict(asset, "class_contract", validation.class_contract_breaks(raw_annotations))
    yield verdict(asset, "every_class_present", validation.absent_classes(raw_annotations))
    yield verdict(asset, "splits_share_no_group", validation.groups_across_splits(raw_annotations))
    yield verdict(asset, "every_image_readable", validation.unreadable_images(raw_annotations))
    yield verdict(asset, "boxes_inside", validation.boxes_outside(raw_annotations))
    yield few_quarantined(raw_annotations, config.max_quarantined)


@dg.multi_asset_check(
    specs=specs(
        "classical_signs",
        class_contract="Every box has the id that the base weights give its class.",
        every_class_present="Every class has boxes in train and in val.",
        splits_share_no_group="No scene on both sides.",
        every_image_readable="Every image decodes and has the size that its boxes were measured on.",
    ),
    op_tags=SMALL_POD,
)
def classical_signs_checks(classical_signs: Dataset) -> Iterator[dg.AssetCheckResult]:
    """The old set can be rehearsed and measured on."""
    asset = "classical_signs"
    finders = {
        "class_contract": validation.class_contract_breaks,
        "every_class_present": validation.absent_classes,
        "splits_share_no_group": validation.groups_across_splits,
        "every_image_readable": validation.unreadable_images,
    }
    for name, offenders_in in finders.items():
        if len(classical_signs.images):
            yield verdict(asset, name, offenders_in(classical_signs))
        else:
            yield judgement(asset, name, [], False, NO_CLASSICAL, dg.AssetCheckSeverity.WARN)


@dg.multi_asset_check(
    specs=specs(
        "synthetic_set",
        class_contract="Every box has the id that the base weights give its class.",
        every_class_present="Every class was pasted.",
        boxes_fit_their_pixels="Every box surrounds the pixels that were pasted for it.",
        every_image_readable="Every image decodes and has the size that its boxes were measured on.",
    ),
    op_tags=SMALL_POD,
)
def synthetic_set_checks(synthetic_set: Dataset) -> Iterator[dg.AssetCheckResult]:
    """The synthetic images teach what they show."""
    asset = "synthetic_set"
    yield verdict(asset, "class_contract", validation.class_contract_breaks(synthetic_set))
    yield verdict(asset, "every_class_present", validation.absent_classes(synthetic_set, (TRAIN,)))
    yield verdict(asset, "boxes_fit_their_pixels", find_misfits(synthetic_set))
    yield verdict(asset, "every_image_readable", validation.unreadable_images(synthetic_set))


class BudgetConfig(dg.Config):
    """What new weights may cost and must bring, as a form in Dagster's Launchpad."""

    classical_loss: float = Field(
        default=0.02, ge=0, le=1, description="How much mAP50-95 on classical signs may fall, 0 to 1."
    )
    lego_gain: float = Field(
        default=0.0, ge=0, le=1, description="How much mAP50 on LEGO signs must rise at least; 0: it must rise at all."
    )


@dg.multi_asset_check(
    specs=specs(
        "comparison_report",
        blocking=False,
        classical_signs_kept="mAP50-95 on classical signs does not fall by more than the budget.",
        lego_signs_gained="mAP50 on LEGO signs rises.",
    ),
    op_tags=SMALL_POD,
)
def comparison_report_checks(
    config: BudgetConfig, comparison_report: ComparisonReport
) -> Iterator[dg.AssetCheckResult]:
    """The new weights can be shipped; a warning where there are too few images to tell."""
    budgets = {
        "classical_signs_kept": AcceptanceCriterion(Slice.CLASSICAL.title, "map50_95", -config.classical_loss),
        "lego_signs_gained": AcceptanceCriterion(Slice.LEGO.title, "map50", config.lego_gain),
    }
    for name, budget in budgets.items():
        found = judge(comparison_report.comparison, budget)
        severity = dg.AssetCheckSeverity.ERROR if found.state == BROKEN else dg.AssetCheckSeverity.WARN
        yield judgement("comparison_report", name, found.offenders, found.state == KEPT, found.text, severity)
