"""Extraction by the Label Studio API, against the real server."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.ingestion.incremental import PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.label_studio import Task, read_task
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.sources import ExportSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import CLASSES, region
from legosigns_dagster_tests.support.label_studio_project import IMAGES, CountingClient, LabelStudioProject, digest
from legosigns_dagster_tests.support.logs import SILENT


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
