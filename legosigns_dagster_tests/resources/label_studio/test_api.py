"""Extraction by the Label Studio API, against the real server; which requests it takes, against a small one."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.label_studio import Task, read_task
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe
from legosigns_dagster.resources.label_studio.api import ApiSource, ProjectSync
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.sources import ExportSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset, region
from legosigns_dagster_tests.support.label_studio_project import IMAGES, CountingClient, LabelStudioProject, digest
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.small_label_studio import SmallLabelStudio


def test_the_api_and_an_export_of_the_same_project_give_the_same_dataset(
    project: LabelStudioProject, tmp_path: Path
) -> None:
    export = project.write_export(tmp_path / "export.json")
    (tmp_path / "of-export").mkdir()
    source = ExportSource(Location(str(export), "LABEL_STUDIO_EXPORT", lambda: None))  # type: ignore[arg-type,return-value]
    from_export = project.make_dataset(source.extract(tmp_path), None, tmp_path / "of-export")
    from_api = project.extract("of-api", None)
    assert len(from_api.images) == IMAGES
    assert digest(from_api) == digest(from_export)


def test_where_nothing_changed_nothing_is_fetched_again(project: LabelStudioProject) -> None:
    first = project.extract("first", None)
    client = CountingClient(project.labels.url, project.labels.personal_token)
    second = project.extract("second", first, client)
    assert (client.exported, project.fetched) == ([], [])
    assert digest(second) == digest(first)


def test_only_what_changed_is_fetched_and_the_result_is_the_same_as_from_scratch(project: LabelStudioProject) -> None:
    first = project.extract("first", None)
    tasks = project.tasks()
    project.change_annotation(tasks[1], [region(value={"rectanglelabels": ["DangerAhead"]})])
    project.labels.call("DELETE", f"tasks/{tasks[2]}/")
    added = project.add_image(77, {"result": []})
    client = CountingClient(project.labels.url, project.labels.personal_token)
    second = project.extract("second", first, client)
    assert sorted(client.exported, key=int) == [tasks[1], added]
    assert set(project.fetched) == {"1.jpg", "77.jpg"}
    assert tasks[2] not in second.sources["task"].tolist()
    assert digest(second) == digest(project.extract("scratch", None)) != digest(first)


def test_a_task_that_cannot_be_read_stays_in_the_quarantine_while_others_change(
    project: LabelStudioProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other, *_ = project.tasks()

    def read(document: dict[str, Any]) -> Task:
        if str(document.get("id")) == broken and "project" in document:
            raise ValueError("'result' is a str, expected a list of regions")
        return read_task(document)

    monkeypatch.setattr("legosigns_dagster.resources.label_studio.api.read_task", read)
    monkeypatch.setattr("legosigns_dagster.resources.label_studio.api.OVERLAP", timedelta())
    first = project.extract("first", None)
    project.change_annotation(other, [])
    second = project.extract("second", first)
    for dataset in (first, second):
        assert [(r.reason, r.task) for r in dataset.quarantine.itertuples()] == [("unreadable_annotation", broken)]


def test_an_annotation_that_is_deleted_is_noticed(project: LabelStudioProject) -> None:
    first = project.extract("first", None)
    task = project.tasks()[3]
    project.labels.call("DELETE", f"annotations/{project.first_annotation(task)}/")
    second = project.extract("second", first)
    assert [(row.reason, row.task) for row in second.quarantine.itertuples()] == [("unlabeled", task)]


def test_an_image_that_was_missing_is_tried_again_though_nothing_changed_in_label_studio(
    project: LabelStudioProject,
) -> None:
    image = project.folder / "images" / "4.jpg"
    image.rename(project.folder / "elsewhere.jpg")
    first = project.extract("first", None)
    assert first.quarantine["image"].tolist() == ["4.jpg"]
    (project.folder / "elsewhere.jpg").rename(image)
    second = project.extract("second", first)
    assert project.fetched == ["4.jpg"]
    assert len(second.images) == IMAGES
    assert len(second.quarantine) == 0


def test_another_split_is_made_of_the_same_images_without_fetching_them(
    project: LabelStudioProject, tmp_path: Path
) -> None:
    before = PreviousVersion.load(project.extract("first", None).folder)
    extraction = ApiSource(project.connection(), CLASSES, SILENT).extract(tmp_path, before)
    project.fetched.clear()
    (tmp_path / "other").mkdir()
    recipe = Recipe(CLASSES, DatasetSettings(split_seed=1, val_share=0.5))
    other = extract_dataset(extraction, before, project.fetch, recipe, tmp_path / "other", SILENT)
    assert project.fetched == []
    assert len(other.images) == IMAGES


def test_labels_that_are_not_the_classes_are_an_error_before_anything_is_fetched(
    project: LabelStudioProject, tmp_path: Path
) -> None:
    client = CountingClient(project.labels.url, project.labels.legacy_token)
    source = ApiSource(project.connection(client), SignClasses(("SpeedLimit", "Stop")), SILENT)
    with pytest.raises(LabelStudioError, match="unknown DangerAhead, missing Stop"):
        source.extract(tmp_path)
    assert client.exported == []


HOURS = [f"2026-01-01T{hour:02d}:00:00.000000Z" for hour in range(10)]


def synchronize(labels: SmallLabelStudio, url: str, before: PreviousVersion | None = None) -> Extraction:
    """Read the project's tasks; only these requests are recorded."""
    labels.listed.clear()
    labels.exported.clear()
    client = LabelStudioClient(url, "legacy", sleep=lambda _: None)
    found = ProjectSync(client, "1", SILENT).run(before)
    client.close()
    return found


def previous(extraction: Extraction, folder: Path) -> PreviousVersion:
    return PreviousVersion(make_dataset(folder), tuple(extraction.tasks), extraction.state, "")


def test_what_was_added_or_changed_is_found_by_a_list_of_the_changes_alone(tmp_path: Path) -> None:
    labels = SmallLabelStudio({1: HOURS[1], 2: HOURS[2], 3: HOURS[3]})
    with labels.run() as server:
        first = synchronize(labels, server.url)
        assert (labels.listed, labels.exported) == ([""], [["1", "2", "3"]])
        labels.changed |= {2: HOURS[5], 4: HOURS[4]}
        second = synchronize(labels, server.url, previous(first, tmp_path))
    a_minute_before = "2026-01-01T02:59:00.000000Z"  # a long transaction is seen later than it is dated
    assert (labels.listed, labels.exported) == ([a_minute_before], [["2", "4"]])
    assert [(task.id, task.updated_at) for task in second.tasks] == [
        ("1", HOURS[1]), ("2", HOURS[5]), ("3", HOURS[3]), ("4", HOURS[4]),
    ]  # fmt: skip
    assert second.unchanged == {"1", "3"}


def test_where_nothing_changed_no_list_is_asked_for(tmp_path: Path) -> None:
    labels = SmallLabelStudio({1: HOURS[1]})
    with labels.run() as server:
        before = previous(synchronize(labels, server.url), tmp_path)
        second = synchronize(labels, server.url, before)
    assert (labels.listed, labels.exported) == ([], [])
    assert [task.id for task in second.tasks] == ["1"]


def test_a_task_that_is_deleted_is_missed_by_the_number_of_tasks_and_found_in_the_list_of_all(tmp_path: Path) -> None:
    labels = SmallLabelStudio({1: HOURS[1], 2: HOURS[2], 3: HOURS[3]})
    with labels.run() as server:
        before = previous(synchronize(labels, server.url), tmp_path)
        del labels.changed[2]
        second = synchronize(labels, server.url, before)
    assert labels.listed[1:] == [""]
    assert labels.exported == []
    assert [task.id for task in second.tasks] == ["1", "3"]
