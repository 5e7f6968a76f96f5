"""Asset checks, which stop a run before the next step spends time. A check that fails names the offenders."""

from collections.abc import Iterator
from itertools import chain

import dagster as dg
from pydantic import Field

from legosigns_dagster.assets.check_result import ERROR, WARN, check_result, check_specs, finder_result, name_offenders
from legosigns_dagster.assets.renamed_settings import refuse_old_names
from legosigns_dagster.assets.settings import SettingsForm
from legosigns_dagster.check_results import BlockingChecksConfig, Context, conclude, report_results
from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset
from legosigns_dagster.core.dataset.repeated_images import images_across_splits, scenes_across_splits
from legosigns_dagster.core.evaluation.acceptance import AcceptanceCriterion, Outcome, check_criterion
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.core.synthesis.validation import find_mask_mismatches
from legosigns_dagster.core.training.caveats import NO_CLASSICAL
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD
from legosigns_dagster.resources.storage.store import Store


class QuarantineConfig(BlockingChecksConfig):
    """How many images and boxes may be lost before the run stops."""

    max_quarantined: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Largest share of the images that may be in the quarantine, and of the boxes on the other images. "
        "With more, the run stops. Tasks that are skipped or have no annotation, second copies of an image "
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
def raw_annotations_checks(
    context: Context, config: QuarantineConfig, store: dg.ResourceParam[Store], raw_annotations: Dataset
) -> Iterator[dg.AssetCheckResult]:
    """Check that the annotated images can be used for training and evaluation."""
    found = check_annotations(raw_annotations, config.max_quarantined)
    yield from conclude(context, store, raw_annotations, config.accept, found)


def check_annotations(raw_annotations: Dataset, max_quarantined: float) -> Iterator[dg.AssetCheckResult]:
    """Check annotated images, of which at most this share may be in the quarantine, 0 to 1."""
    asset = "raw_annotations"
    yield finder_result(asset, "class_contract", validation.class_contract_breaks(raw_annotations))
    yield finder_result(asset, "every_class_present", validation.absent_classes(raw_annotations))
    repeated = validation.groups_across_splits(raw_annotations) + images_across_splits(raw_annotations)
    yield finder_result(asset, "splits_share_no_group", repeated)
    yield finder_result(asset, "every_image_readable", validation.unreadable_images(raw_annotations))
    yield finder_result(asset, "boxes_inside", validation.boxes_outside(raw_annotations))
    yield few_quarantined(raw_annotations, max_quarantined)


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
def classical_signs_checks(
    context: Context, config: BlockingChecksConfig, store: dg.ResourceParam[Store], classical_signs: Dataset
) -> Iterator[dg.AssetCheckResult]:
    """Check that the classical images can be used for replay and evaluation."""
    yield from conclude(context, store, classical_signs, config.accept, check_classical(classical_signs))


def check_classical(classical_signs: Dataset) -> Iterator[dg.AssetCheckResult]:
    """Check classical images; where there are none, each check warns."""
    asset = "classical_signs"
    finders = {
        "class_contract": validation.class_contract_breaks,
        "every_class_present": validation.absent_classes,
        "every_image_readable": validation.unreadable_images,
    }
    if not len(classical_signs.images):
        names = [*finders, "splits_share_no_group"]
        return (check_result(asset, name, [], False, NO_CLASSICAL, WARN) for name in names)
    found = (finder_result(asset, name, find(classical_signs)) for name, find in finders.items())
    return chain(found, [classical_splits_share_nothing(classical_signs)])


def classical_splits_share_nothing(dataset: Dataset) -> dg.AssetCheckResult:
    """Check that no image repeats one of another split. Scenes that have one name alone are a warning."""
    asset, name = "classical_signs", "splits_share_no_group"
    if copies := validation.groups_across_splits(dataset) + images_across_splits(dataset):
        return finder_result(asset, name, copies)
    if scenes := scenes_across_splits(dataset):
        text = f"{name_offenders(scenes)}: where a name is one scene, move its images into one split"
        return check_result(asset, name, scenes, False, text, WARN)
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
def synthetic_set_checks(
    context: Context, config: BlockingChecksConfig, store: dg.ResourceParam[Store], synthetic_set: Dataset
) -> Iterator[dg.AssetCheckResult]:
    """Check that the boxes of the synthetic images fit their pixels."""
    yield from conclude(context, store, synthetic_set, config.accept, check_synthetic(synthetic_set))


def check_synthetic(synthetic_set: Dataset) -> Iterator[dg.AssetCheckResult]:
    """Check synthetic images."""
    asset = "synthetic_set"
    yield finder_result(asset, "class_contract", validation.class_contract_breaks(synthetic_set))
    yield finder_result(asset, "every_class_present", validation.absent_classes(synthetic_set, (TRAIN,)))
    yield finder_result(asset, "boxes_fit_their_pixels", find_mask_mismatches(synthetic_set))
    yield finder_result(asset, "every_image_readable", validation.unreadable_images(synthetic_set))


@refuse_old_names(classical_loss="max_map_drop")
class AcceptanceConfig(SettingsForm):
    """What new weights may lose and must gain to be accepted."""

    max_map_drop: float = Field(
        default=0.02, ge=0, le=1, description="Largest allowed drop of mAP50-95 on classical signs."
    )
    lego_gain: float = Field(
        default=0.0, ge=0, le=1, description="The rise of mAP50 on LEGO signs must be larger than this."
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
    context: Context, config: AcceptanceConfig, comparison_report: ComparisonReport
) -> Iterator[dg.AssetCheckResult]:
    """Check that the new weights are better than the base. Too few images to decide are a warning, not an error."""
    yield from report_results(context, check_comparison(comparison_report, config))


def check_comparison(report: ComparisonReport, config: AcceptanceConfig) -> Iterator[dg.AssetCheckResult]:
    """Check the differences between new and base weights."""
    criteria = {
        "classical_signs_kept": AcceptanceCriterion(Slice.CLASSICAL.title, "map50_95", -config.max_map_drop),
        "lego_signs_gained": AcceptanceCriterion(Slice.LEGO.title, "map50", config.lego_gain),
    }
    for name, criterion in criteria.items():
        result = check_criterion(report.comparison, criterion)
        passed, severity = result.outcome is Outcome.PASSED, ERROR if result.outcome is Outcome.FAILED else WARN
        text = result.text if passed else f"{result.text} ({name_offenders(result.offenders)})"
        yield check_result("comparison_report", name, result.offenders, passed, text, severity)
