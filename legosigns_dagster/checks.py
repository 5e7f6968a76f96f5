"""Asset checks, which stop a run before the next step spends time. A check that fails names the offenders."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import dagster as dg
from pydantic import Field

from legosigns_dagster.assets.renamed_settings import refuse_old_names
from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset
from legosigns_dagster.core.dataset.repeated_images import images_across_splits, scenes_across_splits
from legosigns_dagster.core.evaluation.acceptance import AcceptanceCriterion, Outcome, check_criterion
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.core.synthesis.validation import find_mask_mismatches
from legosigns_dagster.core.training.caveats import NO_CLASSICAL
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD


def list_offenders(offenders: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Write the first 20 offenders as a list in Markdown."""
    return dg.MetadataValue.md("\n".join(f"- {offender}" for offender in offenders[:20]) or "none")


def finder_result(asset: str, name: str, offenders: Sequence[str]) -> dg.AssetCheckResult:
    """Make the result of a check that passes when it finds no offenders."""
    text = f"{len(offenders)}: {'; '.join(offenders[:3])}" if offenders else "no offenders"
    return check_result(asset, name, offenders, not offenders, text)


def check_result(
    asset: str,
    name: str,
    offenders: Sequence[str],
    passed: bool,
    description: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    figures: Mapping[str, float] | None = None,
) -> dg.AssetCheckResult:
    """Make a check's result, with the first offenders, their number and the figures that decided as metadata."""
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=asset,
        check_name=name,
        metadata={"offenders": list_offenders(offenders), "count": len(offenders), **(figures or {})},
        severity=severity,
        description=description,
    )


def check_specs(asset: str, blocking: bool = True, **descriptions: str) -> list[dg.AssetCheckSpec]:
    """Declare the checks of an asset, by name and description. A blocking check that fails stops what is downstream."""
    return [dg.AssetCheckSpec(n, asset=asset, blocking=blocking, description=d) for n, d in descriptions.items()]


class QuarantineConfig(dg.Config):
    """How many images and boxes may be lost before the run stops."""

    max_quarantined: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Largest share of the images that may be in the quarantine, and of the boxes on the other images, "
        "0 to 1. With more, the run stops. Tasks that are skipped or have no annotation, second copies of an image "
        "with the same boxes, and regions that are no signs do not count.",
    )


def few_quarantined(dataset: Dataset, allowed: float) -> dg.AssetCheckResult:
    """Check that at most this share of the images, and of the boxes, is in the quarantine, 0 to 1; the rows offend."""
    lost = validation.find_losses(dataset)
    lines = chain(lost.rows.itertuples(), lost.regions.itertuples())
    rows = [f"{row.reason}: {row.image} [task {row.task}]({row.link}): {row.detail}" for row in lines]
    passed = max(lost.share, lost.box_share) <= allowed
    figures = {"share": lost.share, "box_share": lost.box_share, "allowed": allowed}
    return check_result("raw_annotations", "few_quarantined", rows, passed, lost.text(allowed), figures=figures)


@dg.multi_asset_check(
    specs=check_specs(
        "raw_annotations",
        class_contract="Every box has the id that the base weights give its class.",
        every_class_present="Every class has boxes in train and in val.",
        splits_share_no_group="No group of near-duplicates is in more than one split, and no image repeats another's.",
        every_image_readable="Every image decodes and has the size that its boxes were measured on.",
        boxes_inside="Every box is inside its image.",
        few_quarantined="The share of images, and of boxes, in the quarantine is at most max_quarantined.",
    ),
    op_tags=SMALL_POD,
)
def raw_annotations_checks(config: QuarantineConfig, raw_annotations: Dataset) -> Iterator[dg.AssetCheckResult]:
    """Check that the annotated images can be used for training and evaluation."""
    asset = "raw_annotations"
    yield finder_result(asset, "class_contract", validation.class_contract_breaks(raw_annotations))
    yield finder_result(asset, "every_class_present", validation.absent_classes(raw_annotations))
    repeated = validation.groups_across_splits(raw_annotations) + images_across_splits(raw_annotations)
    yield finder_result(asset, "splits_share_no_group", repeated)
    yield finder_result(asset, "every_image_readable", validation.unreadable_images(raw_annotations))
    yield finder_result(asset, "boxes_inside", validation.boxes_outside(raw_annotations))
    yield few_quarantined(raw_annotations, config.max_quarantined)


@dg.multi_asset_check(
    specs=check_specs(
        "classical_signs",
        class_contract="Every box has the id that the base weights give its class.",
        every_class_present="Every class has boxes in train and in val.",
        splits_share_no_group="No scene is in more than one split, and no image of one split repeats one of another.",
        every_image_readable="Every image decodes and has the size that its boxes were measured on.",
    ),
    op_tags=SMALL_POD,
)
def classical_signs_checks(classical_signs: Dataset) -> Iterator[dg.AssetCheckResult]:
    """Check that the classical images can be used for replay and evaluation."""
    asset = "classical_signs"
    finders = {
        "class_contract": validation.class_contract_breaks,
        "every_class_present": validation.absent_classes,
        "every_image_readable": validation.unreadable_images,
    }
    for name, find in finders.items():
        if len(classical_signs.images):
            yield finder_result(asset, name, find(classical_signs))
        else:
            yield check_result(asset, name, [], False, NO_CLASSICAL, dg.AssetCheckSeverity.WARN)
    yield classical_splits_share_nothing(classical_signs)


def classical_splits_share_nothing(dataset: Dataset) -> dg.AssetCheckResult:
    """Check that no image repeats one of another split. Scenes that have one name alone are a warning."""
    asset, name = "classical_signs", "splits_share_no_group"
    if not len(dataset.images):
        return check_result(asset, name, [], False, NO_CLASSICAL, dg.AssetCheckSeverity.WARN)
    if copies := validation.groups_across_splits(dataset) + images_across_splits(dataset):
        return finder_result(asset, name, copies)
    if scenes := scenes_across_splits(dataset):
        text = f"{len(scenes)}: {'; '.join(scenes[:3])}: where a name is one scene, move its images into one split"
        return check_result(asset, name, scenes, False, text, dg.AssetCheckSeverity.WARN)
    return finder_result(asset, name, [])


@dg.multi_asset_check(
    specs=check_specs(
        "synthetic_set",
        class_contract="Every box has the id that the base weights give its class.",
        every_class_present="Every class is pasted at least once.",
        boxes_fit_their_pixels="Every box surrounds the pixels that were pasted for it.",
        every_image_readable="Every image decodes and has the size that its boxes were measured on.",
    ),
    op_tags=SMALL_POD,
)
def synthetic_set_checks(synthetic_set: Dataset) -> Iterator[dg.AssetCheckResult]:
    """Check that the boxes of the synthetic images fit their pixels."""
    asset = "synthetic_set"
    yield finder_result(asset, "class_contract", validation.class_contract_breaks(synthetic_set))
    yield finder_result(asset, "every_class_present", validation.absent_classes(synthetic_set, (TRAIN,)))
    yield finder_result(asset, "boxes_fit_their_pixels", find_mask_mismatches(synthetic_set))
    yield finder_result(asset, "every_image_readable", validation.unreadable_images(synthetic_set))


@refuse_old_names(classical_loss="max_map_drop")
class AcceptanceConfig(dg.Config):
    """What new weights may lose and must gain to be accepted."""

    max_map_drop: float = Field(
        default=0.02, ge=0, le=1, description="Largest allowed drop of mAP50-95 on classical signs, 0 to 1."
    )
    lego_gain: float = Field(
        default=0.0, ge=0, le=1, description="The rise of mAP50 on LEGO signs must be larger than this, 0 to 1."
    )


@dg.multi_asset_check(
    specs=check_specs(
        "comparison_report",
        blocking=False,
        classical_signs_kept="mAP50-95 on classical signs does not drop by more than max_map_drop.",
        lego_signs_gained="mAP50 on LEGO signs rises by more than lego_gain.",
    ),
    op_tags=SMALL_POD,
)
def comparison_report_checks(
    config: AcceptanceConfig, comparison_report: ComparisonReport
) -> Iterator[dg.AssetCheckResult]:
    """Check that the new weights are better than the base. Too few images to decide are a warning, not an error."""
    criteria = {
        "classical_signs_kept": AcceptanceCriterion(Slice.CLASSICAL.title, "map50_95", -config.max_map_drop),
        "lego_signs_gained": AcceptanceCriterion(Slice.LEGO.title, "map50", config.lego_gain),
    }
    for name, criterion in criteria.items():
        result = check_criterion(comparison_report.comparison, criterion)
        failed, passed = result.outcome is Outcome.FAILED, result.outcome is Outcome.PASSED
        severity = dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN
        yield check_result("comparison_report", name, result.offenders, passed, result.text, severity)
