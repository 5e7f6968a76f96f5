"""The report as a person opens it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.report.notes import ReportNotes
from legosigns_dagster.core.report.report import ComparisonReport, write_report
from legosigns_dagster.core.report.tables import synthesis_table
from legosigns_dagster_tests.support.builders import evaluation, make_dataset

NOTES = ReportNotes(
    {"run": "a & b", "seed": "3"}, ["hardly any <image>"], synthesis_table(*(Score(0.8, x, x) for x in (0.1, 0.2, 0.3)))
)
CURVES = pd.DataFrame({"epoch": [1, 2], "train/box_loss": [2.0, 1.0]})


class Page(HTMLParser):
    """Every address a page would load, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def report(tmp_path: Path) -> ComparisonReport:
    dataset = make_dataset(tmp_path / "data", "val", "val")
    part = SliceResults(
        "<LEGO> signs", dataset, evaluation(dataset, map50=0.25), evaluation(dataset, (0, 0, 0.9), map50=0.75)
    )
    (tmp_path / "report").mkdir()
    return write_report(compare([part]), [part], CURVES, NOTES, tmp_path / "report")


def test_the_page_needs_no_network_and_runs_no_script(report: ComparisonReport) -> None:
    page = Page((report.folder / "comparison.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in page.addresses)
    assert "url(" not in (report.folder / "comparison.html").read_text(encoding="utf-8")


def test_the_page_starts_with_what_changed(report: ComparisonReport) -> None:
    words = Page((report.folder / "comparison.html").read_text(encoding="utf-8")).words
    assert "<LEGO> signs: inconclusive, mAP50-95 0.125 → 0.375 (+0.250, no 95 % interval: at least 6" in words
    assert "<LEGO> signs: 2 images with 4 boxes. The 95 % intervals come from" in words
    assert "a & bseed3\n" in words, "a term and its value in turn, and nothing between"


def test_every_part_of_the_page_has_a_heading_and_a_link_to_it(report: ComparisonReport) -> None:
    text = (report.folder / "comparison.html").read_text(encoding="utf-8")
    anchors = re.findall(r'<a href="#([\w-]+)">', text)
    assert anchors == re.findall(r'<section aria-labelledby="([\w-]+)">\n<h2 id="\1">', text)
    assert anchors[:3] == ["result", "next", "metrics"]


def test_the_page_shows_curves_table_and_images(report: ComparisonReport) -> None:
    page = Page((report.folder / "comparison.html").read_text(encoding="utf-8"))
    assert page.tags.count("svg") == 2 + 2, "confidence of each class, precision over recall, and the box loss"
    assert page.tags.count("tr") == 4 + 6 + 2 * 4 + 4 + 4, "metrics, kinds of errors, matrices, sizes, synthesis"
    assert "base wrong, new right: 1" in page.words
    assert "0.jpg: SpeedLimit is found now (90 %)" in page.words


def test_the_page_shows_where_each_weights_go_wrong(report: ComparisonReport) -> None:
    text = (report.folder / "comparison.html").read_text(encoding="utf-8")
    missed = re.search(r"missed<small>[^<]+</small></th><td>(\d)</td><td>(\d)</td>", text)
    assert missed
    assert missed.groups() == ("4", "3"), "of four signs the new weights find one"
    new = text.split("<caption>new weights</caption>")[1]
    assert 'Speed<wbr>Limit</th><td class="right" style="--share: 50%">1</td>' in new
    assert "Class: DangerAhead among &lt;LEGO&gt; signs has 2 of the 3 errors" in text


def test_the_advised_thresholds_are_those_that_the_weights_are_served_with(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", "val", "val")
    found = evaluation(dataset, (0, 0, 0.9))
    part = SliceResults("LEGO signs", dataset, found, found)
    notes = ReportNotes({}, thresholds=(0.123, 0.456))
    written = write_report(compare([part]), [part], None, notes, tmp_path)
    text = (written.folder / "comparison.html").read_text(encoding="utf-8")
    assert re.findall(r"advised (0\.\d+)</text>", text) == ["0.123", "0.456"]


def test_the_page_has_the_caveats_and_the_effect_of_the_synthetic_images(report: ComparisonReport) -> None:
    words = Page((report.folder / "comparison.html").read_text(encoding="utf-8")).words
    assert "hardly any <image>" in words
    assert "new, without synthetic images0.8000.2000.200new, with synthetic images0.8000.3000.300" in words


def test_a_suspected_label_error_links_to_its_task(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", "val", "val")
    both = evaluation(dataset, (0, 0, 0.9))
    link = "https://labels.example.invalid/projects/1/data?task=7"
    sources = pd.DataFrame([["images/0.jpg", "<street>.jpg", "7", "8", link, 1, "", "", ""]],
                           columns=dataset.sources.columns)  # fmt: skip
    forgotten = Dataset(dataset.folder, dataset.classes, dataset.images, dataset.boxes.iloc[1:], sources=sources)
    (tmp_path / "report").mkdir()
    part = SliceResults("LEGO signs", forgotten.part("val"), both, both)
    text = (
        write_report(compare([part]), [part], None, ReportNotes({}), tmp_path / "report").folder / "comparison.html"
    ).read_text()
    assert f'<a href="{link}">&lt;street&gt;.jpg</a>' in text
    assert '<h2 id="label-errors">Suspected label errors</h2>\n<h3>LEGO signs</h3>' in text


def test_every_style_that_the_page_uses_is_defined(report: ComparisonReport) -> None:
    text = (report.folder / "comparison.html").read_text(encoding="utf-8")
    assert set(re.findall(r"var\((--\w+)\)", text)) <= set(re.findall(r"(--\w+):", text))


def test_a_report_is_what_it_was_after_saving_and_loading(report: ComparisonReport) -> None:
    loaded = ComparisonReport.load(report.save())
    pd.testing.assert_frame_equal(loaded.comparison.table, report.comparison.table)
    figures = json.loads((report.folder / "metrics.json").read_text(encoding="utf-8"))
    values = figures["<LEGO> signs"]["all"]["map50"]
    assert (values["base"], values["new"], values["difference"]) == (0.25, 0.75, 0.5)
    assert values["verdict"] == "inconclusive"


# As version 0.1 wrote it; one slice of two classes is left of it.
TABLE_OF_0_1 = """\
slice,class_name,images,boxes,metric,base,new,difference,low,high,verdict,images_needed,headline
LEGO signs,all,14,28,precision,0.8,0.8,0.0,,,,0,False
LEGO signs,all,14,28,recall,0.7,0.7,0.0,,,,0,False
LEGO signs,all,14,28,map50,0.3,0.5,0.2,-0.36,0.35999999999999993,not distinguishable,4536,True
LEGO signs,all,14,28,map50_95,0.15,0.25,0.1,0.20999999999999985,0.7099999999999999,better,2188,False
"""


def test_a_table_that_says_not_distinguishable_is_loaded_as_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(TABLE_OF_0_1, encoding="utf-8")
    comparison = ComparisonReport.load(tmp_path).comparison
    assert comparison.table["verdict"].tolist() == ["", "", "inconclusive", "better"]
    assert comparison.value("LEGO signs", "map50", "high") == 0.35999999999999993
    assert comparison.verdict_sentence("LEGO signs").endswith(
        "LEGO signs: inconclusive, mAP50 0.300 → 0.500 (+0.200, 95 % interval -0.360 to +0.360). "
        "To detect a difference of 0.02, about 4536 images of this kind are needed."
    )


def test_without_anything_to_draw_the_page_says_so(tmp_path: Path) -> None:
    written = write_report(compare([]), [], None, ReportNotes({}), tmp_path)
    assert "There are no charts." in (written.folder / "comparison.html").read_text(encoding="utf-8")
