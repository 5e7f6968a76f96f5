"""The checks that decide whether a release candidate is released, and who accepted what they could not decide."""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field, model_validator

from legosigns_dagster.assets.check_result import ERROR, WARN, check_result, check_specs, name_offenders
from legosigns_dagster.assets.settings import SettingsForm
from legosigns_dagster.check_results import Context, conclude
from legosigns_dagster.core.evaluation.acceptance import AcceptanceCriterion, Outcome, check_criterion
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.release.candidate import ReleaseCandidate
from legosigns_dagster.core.release.release import TO_RELEASE_SO, AcceptedFinding
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD
from legosigns_dagster.resources.releases.gate import CANDIDATE, GateDecision, write_gate
from legosigns_dagster.resources.storage.store import Store

INCONCLUSIVE, CONTRACT_CHANGE = "accept_inconclusive", "accept_contract_change"


class GateConfig(SettingsForm):
    """What a release may lose and must gain, and what a person accepts."""

    max_map_drop: float = Field(
        default=0.02, ge=0, le=1, description="Largest allowed drop of mAP50-95 on classical signs."
    )
    lego_gain: float = Field(
        default=0.0, ge=0, le=1, description="The rise of mAP50 on LEGO signs must be larger than this."
    )
    accept_inconclusive: bool = Field(default=False, description="Release although there are too few images to decide.")
    accept_contract_change: bool = Field(
        default=False, description="Release although clients of the model that is served now must be changed."
    )
    accepted_by: str = Field(default="", description="Who accepts, where one of the two is set.")
    reason: str = Field(default="", description="Why, where one of the two is set.")

    @model_validator(mode="after")
    def _require_reason(self) -> "GateConfig":
        accepts = self.accept_inconclusive or self.accept_contract_change
        if accepts and not (self.accepted_by.strip() and self.reason.strip()):
            raise ValueError(
                f"{INCONCLUSIVE} or {CONTRACT_CHANGE} is set without accepted_by and reason: set both, they are kept "
                "with the release"
            )
        return self


@dg.multi_asset_check(
    specs=check_specs(
        CANDIDATE,
        onnx_parity="onnxruntime and OpenVINO answer as PyTorch does.",
        contract_kept="Clients of the model that is served now need no change.",
        classical_signs_kept="mAP50-95 on classical signs does not drop by more than max_map_drop below what is served "
        "now.",
        lego_signs_gained="mAP50 on LEGO signs rises by more than lego_gain above what is served now.",
    ),
    op_tags=SMALL_POD,
)
def release_candidate_checks(
    context: Context, config: GateConfig, store: dg.ResourceParam[Store], release_candidate: ReleaseCandidate
) -> Iterator[dg.AssetCheckResult]:
    """Decide whether a candidate may be released."""
    results, accepted = judge_candidate(release_candidate, config)
    verdicts = {str(one.check_name): str(one.description) for one in results}
    decision = GateDecision(verdicts, tuple(accepted))
    write_gate(store.snapshots(), release_candidate.index or {}, context.run.run_id, decision)
    yield from conclude(context, store, release_candidate, (), results)


def judge_candidate(
    candidate: ReleaseCandidate, config: GateConfig
) -> tuple[list[dg.AssetCheckResult], list[AcceptedFinding]]:
    """Decide on a candidate: a result for each check, and what was accepted."""
    measured, accepted = candidate.measured, []
    breaks, none = measured.parity_breaks, "there are no val or test images to compare the engines in: add some"
    is_equal, text = bool(measured.parity) and not breaks, "; ".join(breaks or measured.parity) or none
    results = [check_result(CANDIDATE, "onnx_parity", breaks, is_equal, text)]
    changes = measured.contract_changes
    text = f"{name_offenders(changes)} (against release {measured.released})" if changes else "no client needs a change"
    may_change = config.accept_contract_change and bool(changes)
    results.append(decide("contract_kept", changes, not changes, text, CONTRACT_CHANGE, may_change))
    criteria = {
        "classical_signs_kept": AcceptanceCriterion(Slice.CLASSICAL.title, "map50_95", -config.max_map_drop),
        "lego_signs_gained": AcceptanceCriterion(Slice.LEGO.title, "map50", config.lego_gain),
    }
    for name, criterion in criteria.items():
        found = check_criterion(candidate.comparison, criterion)
        open_question = found.outcome is Outcome.INCONCLUSIVE
        text = f"{found.text} (against {measured.compared_with})"
        passed, may_pass = found.outcome is Outcome.PASSED, open_question and config.accept_inconclusive
        setting = INCONCLUSIVE if open_question else ""
        results.append(decide(name, found.offenders, passed, text, setting, may_pass))
    for one in results:
        if not one.passed and one.severity == WARN:
            accepted.append(AcceptedFinding(str(one.check_name), config.accepted_by.strip(), config.reason.strip()))
    return results, accepted


def decide(
    name: str, offenders: tuple[str, ...], passed: bool, text: str, setting: str, is_accepted: bool
) -> dg.AssetCheckResult:
    """Make the result of a check that a person may accept by a setting; empty where none can."""
    if not passed and is_accepted:
        return check_result(CANDIDATE, name, offenders, False, f"accepted: {text}", WARN)
    how = f"{TO_RELEASE_SO}{setting}, accepted_by and reason of {CANDIDATE}_checks" if setting and not passed else ""
    return check_result(CANDIDATE, name, offenders, passed, f"{text}{how}", ERROR)
