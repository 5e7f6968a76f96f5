import json

import pytest

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.ingestion.label_studio import merge_by_task, read_documents, read_task
from legosigns_dagster_tests.support.builders import annotation, region, sink_document, task


def test_both_shapes_give_the_same_task() -> None:
    whole = task("a.jpg", annotation(region(), id=1), annotation(id=2), id=7)
    from_sink = [read_task(sink_document(whole, index)) for index in (0, 1)]
    assert merge_by_task(from_sink) == [read_task(whole)]


def test_tasks_of_two_projects_with_the_same_id_stay_two() -> None:
    other = task("b.jpg", annotation(region(), project=2)) | {"project": 2}
    assert len(merge_by_task(map(read_task, [task("a.jpg", annotation(region())), other]))) == 2


@pytest.mark.parametrize("text", ['{"id": 1, "result": [', "[]]", '{"id": 1}', '"a text"', '{"result": 3, "task": {}}'])
def test_a_document_that_is_no_annotation_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="sink/17"):
        read_documents("sink/17", text)


def test_personal_data_is_left_behind() -> None:
    document = sink_document(task("a.jpg", annotation(region(), completed_by={"email": "someone@example.org"})))
    assert "someone@example.org" not in repr(read_documents("17", json.dumps(document)))


@pytest.mark.parametrize(
    ("data", "to_name", "url"),
    [
        ({"image": "a.jpg", "note": "wet road"}, "image", "a.jpg"),
        ({"left": "l.jpg", "image": "r.jpg"}, "left", "l.jpg"),  # two image tags: the one that the regions are on
        ({"photo": "p.jpg"}, "img", "p.jpg"),
    ],
)
def test_the_image_is_the_one_that_the_regions_are_on(data: dict[str, str], to_name: str, url: str) -> None:
    assert read_task({"id": 1, "data": data, "annotations": []}).image_url(to_name) == url


def test_a_task_with_two_images_and_no_clue_is_refused() -> None:
    with pytest.raises(RejectedError, match="expected one named 'image'"):
        read_task({"id": 1, "data": {"left": "l.jpg", "right": "r.jpg"}, "annotations": []}).image_url(None)
