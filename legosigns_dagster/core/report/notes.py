"""What the report says besides its figures: how the weights were trained, caveats, what synthesis contributed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from legosigns_dagster.core.detector.training_record import TrainingRecord
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.report.metric_charts import Point, trade_off_chart
from legosigns_dagster.core.report.tables import synthesis_table

NOT_MEASURED = (
    "<p>It was not measured in this run: with measure_synthesis, model_weights trains a second time without it.</p>"
)


@dataclass(frozen=True)
class ReportNotes:
    """What a report says besides its figures.

    Attributes:
        facts: Title and text of each line on how the weights were trained.
        caveats: What the verdicts cannot be trusted with, a sentence each.
        synthesis: What synthetic images contributed, as HTML.
        trade_off: Chart of classical against LEGO signs, an SVG element; empty where there is nothing to show.
        image_size: Side of the square that the network sees, in px.
        thresholds: Advised lowest confidence of each class, 0 to 1, as the new weights are served with them; empty
            where they have none.
    """

    facts: Mapping[str, str]
    caveats: Sequence[str] = ()
    synthesis: str = NOT_MEASURED
    trade_off: str = ""
    image_size: int = 640
    thresholds: tuple[float, ...] = ()


def build_notes(
    run_id: str,
    weights: Weights,
    earlier: Sequence[Point],
    selected_on: Sequence[str],
    more_caveats: Sequence[str] = (),
    served: Sequence[str] = (),
) -> ReportNotes:
    """Collect the notes of a report.

    Args:
        run_id: Id of the run that makes the report.
        weights: The new weights.
        earlier: MAP50-95 on classical and LEGO signs of each earlier comparison.
        selected_on: Titles of the slices whose images were also used to select epoch and weights.
        more_caveats: Caveats besides those of the training.
        served: What each slice reaches at the size at which `model.onnx` is served, where it is another one.
    """
    record = weights.record
    caveats = [*more_caveats, *(record.caveats if record else [])]
    if selected_on:
        caveats.append(
            f"{' and '.join(selected_on)}: epoch and interpolation were selected on the same images that are shown "
            "here, which makes the new weights look a little better than they are; with a test split (test_share of "
            "raw_annotations) this is not so"
        )
    selection = record.selection if record else None
    synthesis = NOT_MEASURED
    if record and selection and record.without_synthesis:
        synthesis = synthesis_table(selection.base.score, record.without_synthesis, selection.selected.score)
    chart = trade_off_chart(selection, earlier) if selection else ""
    facts = {"run": run_id} | (training_facts(record) if record else {})
    if served and weights.contract:
        title = f"served at {weights.contract.image_size} px, against {weights.image_size} px"
        facts[title] = "; ".join(served)
    thresholds = weights.contract.thresholds if weights.contract else ()
    return ReportNotes(facts, caveats, synthesis, chart, weights.image_size, thresholds)


def training_facts(record: TrainingRecord) -> dict[str, str]:
    """Title and text of each line on how weights were trained."""
    groups = {"settings": record.settings.model_dump(), "images": record.images, "versions": record.versions}
    facts = {title: ", ".join(f"{key} {value}" for key, value in values.items()) for title, values in groups.items()}
    run = {key: value for key, value in asdict(record.run).items() if value}
    return facts | {key.replace("_", " "): str(value) for key, value in run.items()}
