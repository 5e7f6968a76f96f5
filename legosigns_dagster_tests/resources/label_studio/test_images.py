"""Images that Label Studio itself has, against the real server."""

from pathlib import Path

import requests

from legosigns_dagster.core.ingestion.fetched_images import image_name
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster_tests.support.builders import write_image
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject


def test_an_uploaded_image_comes_with_the_key(project: LabelStudioProject, tmp_path: Path) -> None:
    file = write_image(tmp_path / "up.jpg", seed=9)
    header = {"Authorization": f"Token {project.labels.legacy_token}"}
    url = f"{project.labels.url}/api/projects/{project.id}/import?return_task_ids=true"
    form = {"f": ("up.jpg", file.read_bytes(), "image/jpeg")}
    task = requests.post(url, headers=header, files=form, timeout=30).json()["task_ids"][0]
    image = project.labels.call("GET", f"tasks/{task}/?resolve_uri=false")["data"]["image"]
    (tmp_path / "into").mkdir()
    fetch = ImageFetcher(None, lambda: None, project.connection())  # type: ignore[arg-type,return-value]
    assert fetch(image, tmp_path / "into").read_bytes() == file.read_bytes()


def test_an_image_on_label_studios_own_disk_comes_with_the_key(project: LabelStudioProject, tmp_path: Path) -> None:
    file = write_image(project.labels.data / "images" / "знак 1.jpg", seed=8)
    storage = {"project": project.id, "title": "disk", "path": str(file.parent), "use_blob_urls": True}
    storage_id = project.labels.call("POST", "storages/localfiles/", storage | {"regex_filter": ".*jpg"})["id"]
    before = project.tasks()
    project.labels.call("POST", f"storages/localfiles/{storage_id}/sync", {})
    (task,) = set(project.tasks()) - set(before)
    image = project.labels.call("GET", f"tasks/{task}/?resolve_uri=false")["data"]["image"]
    assert image.startswith("/data/local-files/?d=")
    (tmp_path / "into").mkdir()
    fetch = ImageFetcher(None, lambda: None, project.connection())  # type: ignore[arg-type,return-value]
    assert fetch(image, tmp_path / "into").read_bytes() == file.read_bytes()
    assert image_name(image) == "знак 1.jpg"
