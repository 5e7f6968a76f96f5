"""Tasks that `legosigns export` wrote, imported into the real Label Studio and exported there again."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from legosigns_dagster.core.export.export import export_dataset
from legosigns_dagster.core.export.label_studio import write_label_studio
from legosigns_dagster_tests.support.exports import digest, hard_dataset, read_label_studio_export
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject
from legosigns_dagster_tests.support.logs import SILENT


@pytest.fixture
def imported(labels_server: Any, tmp_path: Path) -> LabelStudioProject:
    """A project with the labeling configuration and the tasks of an export."""
    write = partial(write_label_studio, image_url="s3://bucket/dataset/images")
    export_dataset(hard_dataset(tmp_path / "dataset"), write, tmp_path / "export", SILENT)
    config = (tmp_path / "export/labeling-config.xml").read_text(encoding="utf-8")
    project = LabelStudioProject(labels_server, tmp_path).create(config, "exported")
    tasks = json.loads((tmp_path / "export/tasks.json").read_text(encoding="utf-8"))
    project.labels.call("POST", f"projects/{project.id}/import", tasks)
    return project


def test_exported_tasks_come_back_from_label_studio_as_the_same_dataset(
    imported: LabelStudioProject, tmp_path: Path
) -> None:
    again = imported.write_export(tmp_path / "again.json")
    dataset = read_label_studio_export(again, tmp_path / "export/images", tmp_path / "again")
    assert digest(dataset) == digest(hard_dataset(tmp_path / "another"))
    assert len(dataset.quarantine) == len(dataset.adjustments) == 0


def test_a_box_that_is_deleted_in_label_studio_is_gone_and_the_others_are_exact(
    imported: LabelStudioProject, tmp_path: Path
) -> None:
    tasks = {task: imported.labels.call("GET", f"tasks/{task}/") for task in imported.tasks()}
    task, content = next((key, one) for key, one in tasks.items() if len(one["annotations"][0]["result"]) == 6)
    imported.change_annotation(task, content["annotations"][0]["result"][1:])
    again = imported.write_export(tmp_path / "again.json")
    dataset = read_label_studio_export(again, tmp_path / "export/images", tmp_path / "again")
    before = {image.file: image for image in hard_dataset(tmp_path / "another")}
    changed = [image for image in dataset if image != before[image.file]]
    assert [image.boxes for image in changed] == [before[changed[0].file].boxes[1:]]
