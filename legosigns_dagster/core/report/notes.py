"""What the report says besides its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.report.metric_charts import trade_off
from legosigns_dagster.core.report.tables import synthesis_table

NOT_MEASURED = (
    "<p>It was not measured in this run: with measure_synthesis, model_weights trains a second time without it.</p>"
)


@dataclass(frozen=True)
class Told:
    """What a report says besides its figures: a line for each of `facts`, what to be careful about, what synthesis
    contributed (HTML), and the chart of classical against LEGO signs (an SVG element).
    """

    facts: Mapping[str, str]
    cautions: Sequence[str] = ()
    synthesis: str = NOT_MEASURED
    trade_off: str = ""


def told_of(run_id: str, weights: Weights, runs: list[tuple[float, float]], chosen_on: list[str]) -> Told:
    """What the report says besides its figures; `chosen_on` are the slices on whose images choices were made."""
    trained_on: dict[str, Any] = weights.trained_on or {}
    mixtures, without = trained_on.get("mixtures") or [], trained_on.get("without_synthesis")
    cautions = [*(trained_on.get("cautions") or ())]
    if chosen_on:
        cautions.append(
            f"{' and '.join(chosen_on)}: epoch and mixture were chosen on the very images that are shown here, which "
            "flatters the new weights a little; with a test part (test_share of raw_annotations) they are not"
        )
    told = Told(facts_of(run_id, weights), cautions, trade_off=trade_off(mixtures, runs))
    if not (mixtures and without):
        return told
    base, chosen = (Score.from_facts(mixtures[index]) for index in (0, -1))
    return replace(told, synthesis=synthesis_table(base, Score.from_facts(without), chosen))


def facts_of(run_id: str, weights: Weights) -> dict[str, str]:
    """What the new weights were trained on and how, one line each."""
    trained_on = weights.trained_on or {}
    facts = {"run": run_id}
    for title in ("settings", "images", "versions"):
        values = trained_on.get(title)
        facts[title] = ", ".join(f"{key} {value}" for key, value in values.items()) if isinstance(values, dict) else ""
    return facts | {key.replace("_", " "): str(value) for key, value in (weights.about or {}).items()}
