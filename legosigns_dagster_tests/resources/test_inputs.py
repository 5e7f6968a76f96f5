"""The inputs of a run: which source is chosen, and one client of Label Studio for all that ask it."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.label_studio import task_link
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import LabelStudio, S3Server

IMAGES = 3


@pytest.fixture
def proxy(labels_server: LabelStudio) -> Iterator[FaultyProxy]:
    with faulty_proxy(labels_server.url) as proxy:
        yield proxy


@pytest.fixture
def closed_project(labels_server: LabelStudio, s3_server: S3Server, bucket: str, tmp_path: Path) -> LabelStudioProject:
    """A project whose images are in a bucket to which Label Studio has keys, and we have none."""
    project = LabelStudioProject(labels_server, tmp_path).create()
    for number in range(IMAGES):
        file = write_image(tmp_path / "image.jpg", seed=number)
        s3_server.client().upload_file(str(file), bucket, f"{number}.jpg")
        project.add_task(f"s3://{bucket}/{number}.jpg", {"result": [region()]})
    project.add_storage("s3/", s3_server, bucket, use_blob_urls=True, presign=True, presign_ttl=5)
    return project


def inputs(endpoint: str | None = None, **changes: Any) -> Inputs:
    """Inputs with an S3 that refuses our key."""
    s3 = S3(endpoint_url=endpoint, aws_access_key_id="somebody", aws_secret_access_key="else", region_name="us-east-1")
    empty = dict.fromkeys(["base_weights", "classical_signs", "sign_cutouts", "backgrounds"], "")
    return Inputs(s3=s3, **(empty | changes))


def count_requests(proxy: FaultyProxy) -> Counter[str]:
    """How many requests there were, by method and path without the query."""
    return Counter(request.split("?")[0] for request in proxy.requests)


@pytest.mark.parametrize("named_by", ["id", "title"])
def test_an_extraction_exchanges_one_token_and_looks_the_project_up_once(
    named_by: str, closed_project: LabelStudioProject, proxy: FaultyProxy, s3_server: S3Server, tmp_path: Path
) -> None:
    project_id, title = closed_project.id, f"signs {closed_project.folder.name}"
    for folder in ("downloads", "dataset"):
        (tmp_path / folder).mkdir()
    given = inputs(
        s3_server.endpoint,
        label_studio_url=proxy.endpoint,
        label_studio_key=closed_project.labels.personal_token,
        label_studio_project=project_id if named_by == "id" else title,
    )
    with dg.build_resources({"inputs": given}) as resources:
        extraction = resources.inputs.annotations(CLASSES, SILENT).extract(tmp_path / "downloads")
        fetch = resources.inputs.image_fetcher()
        dataset = extract_dataset(extraction, None, fetch, Recipe(CLASSES), tmp_path / "dataset", SILENT)
    assert len(dataset.images) == IMAGES
    requests = count_requests(proxy)
    look_up = f"GET /api/projects/{project_id}/" if named_by == "id" else "GET /api/projects/"
    assert requests["POST /api/token/refresh/"] == 1
    assert requests[look_up] == 1
    assert requests[f"GET /projects/{project_id}/resolve/"] == IMAGES


def test_all_parts_of_a_run_share_a_client_that_is_closed_when_the_run_ends(closed_project: LabelStudioProject) -> None:
    labels = closed_project.labels
    given = inputs(label_studio_url=labels.url, label_studio_key=labels.legacy_token, label_studio_project="1")
    with dg.build_resources({"inputs": given}) as resources:
        connection = resources.inputs.connect()
        assert resources.inputs.connect() is connection
        connection.client.state(closed_project.id)
        pools = connection.client._session.get_adapter(labels.url).poolmanager.pools
        assert len(pools) == 1
    assert len(pools) == 0


def test_the_key_is_not_in_the_text_of_the_inputs_nor_of_the_client() -> None:
    given = inputs(label_studio_url="http://labels", label_studio_key="planted-key", label_studio_project="1")
    client = given.connect().client
    assert "planted-key" not in f"{given!r} {given} {client!r} {client.key!r}"


def test_a_sink_is_not_reconciled_without_a_label_studio_to_ask() -> None:
    given = inputs(sink="/somewhere", label_studio_url="http://labels")
    message = "reconcile_sink is on, but not set: LABEL_STUDIO_API_KEY, LABEL_STUDIO_PROJECT. Set what is missing"
    with pytest.raises(ValueError, match=message):
        given.annotations(CLASSES, SILENT, reconcile_sink=True)


@pytest.mark.parametrize("source", ["classical_signs", "sign_cutouts", "backgrounds"])
@pytest.mark.parametrize("form", ["folder", "zip", "gztar"])
def test_a_folder_may_be_given_as_an_archive(source: str, form: str, tmp_path: Path) -> None:
    write_image(tmp_path / "set/a.jpg")
    given = tmp_path / "set" if form == "folder" else shutil.make_archive(str(tmp_path / "b"), form, tmp_path / "set")
    into = tmp_path / "downloads"
    into.mkdir()
    folder = inputs(**{source: str(given)}).fetch_folder(source, into)
    assert [file.name for file in folder.iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("source", ["classical_signs", "sign_cutouts", "backgrounds"])
def test_a_file_in_the_place_of_a_folder_is_refused_with_its_variable(source: str, tmp_path: Path) -> None:
    file = write_image(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=rf"^{source.upper()} is {file}: .*not a readable \.tar\.gz or \.zip"):
        inputs(**{source: str(file)}).fetch_folder(source, tmp_path)


def test_an_archive_of_images_is_refused_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(b"PK")
    with pytest.raises(NotADirectoryError, match=r"^LABEL_STUDIO_IMAGES is .*images\.zip, a file: expected a folder"):
        inputs(images=str(tmp_path / "images.zip")).image_fetcher()


def test_a_folder_in_the_place_of_weights_is_refused_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=r"^BASE_WEIGHTS is .*, a folder: expected a file in it"):
        inputs(base_weights=str(tmp_path)).fetch_file("base_weights", tmp_path)


def test_inputs_without_annotations_say_which_variables_name_them() -> None:
    with pytest.raises(ValueError, match="set LABEL_STUDIO_SINK, LABEL_STUDIO_EXPORT or LABEL_STUDIO_PROJECT"):
        inputs().annotations(CLASSES, SILENT)


def test_without_an_address_of_label_studio_a_link_to_a_task_is_a_path() -> None:
    assert task_link(inputs().link_url, "1", "17") == "/projects/1/data?task=17"
