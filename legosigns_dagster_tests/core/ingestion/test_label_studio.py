import json
from typing import Any

import pytest

from legosigns_dagster.core.ingestion.label_studio import read_annotation, read_documents, read_task
from legosigns_dagster.core.ingestion.task_images import merge_by_task
from legosigns_dagster_tests.support.builders import annotation, region, sink_document, task


def test_both_shapes_give_the_same_task() -> None:
    whole = task("a.jpg", annotation(region(), id=1), annotation(id=2), id=7)
    from_sink = [read_task(sink_document(whole, index)) for index in (0, 1)]
    assert merge_by_task(from_sink) == [read_task(whole)]


def test_tasks_of_two_projects_with_the_same_id_stay_two() -> None:
    other = task("b.jpg", annotation(region(), project=2)) | {"project": 2}
    assert len(merge_by_task(map(read_task, [task("a.jpg", annotation(region())), other]))) == 2


@pytest.mark.parametrize(
    ("urls", "count"),
    [
        (["https://host/a.jpg", "https://host/b.jpg"], 2),
        (["/data/local-files/?d=cam1/1.jpg", "/data/local-files/?d=cam2/1.jpg"], 2),
        (["https://host/a.jpg?signature=1", "https://host/a.jpg?signature=2"], 1),
        (["s3://bucket/a.jpg", "/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvYS5qcGc="], 1),
        (["https://host/image?id=1", "https://host/image?id=2"], 2),
        (["https://host/image?id=1", "https://host/image?id=1"], 1),
    ],
)
def test_documents_of_one_id_with_other_images_are_not_one_task(urls: list[str], count: int) -> None:
    # Two servers wrote into one bucket, or two exports were joined: the box of one image was put on the other.
    documents = [task("", annotation(region(), id=n)) | {"data": {"image": url}} for n, url in enumerate(urls)]
    assert len(merge_by_task(map(read_task, documents))) == count


@pytest.mark.parametrize("text", ['{"id": 1, "result": [', "[]]", "", "[" * 100_000])
def test_a_text_that_is_no_json_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="sink/17"):
        read_documents("sink/17", text)


@pytest.mark.parametrize(
    ("odd", "words"),
    [("[" * 5000 + "]" * 5000, "RecursionError"), ("9" * 5000, "ValueError: Exceeds the limit")],
    ids=["nested", "a number"],
)
def test_a_document_that_python_cannot_hold_is_a_row_and_the_others_are_read(odd: str, words: str) -> None:
    good = [json.dumps(task(f"{number}.jpg", annotation(region()), id=number)) for number in (1, 3)]
    damaged = json.dumps(task('[\\"],.jpg', annotation(region()), id=2, odd="odd")).replace('"odd"}', f"{odd}}}")
    tasks, (row,) = read_documents("export.json", f" [{good[0]},\n{damaged}, {good[1]}]\n")
    assert [one.id for one in tasks] == ["1", "3"]
    assert row.detail.startswith(f"export.json, document 2: {words}")
    with pytest.raises(ValueError, match=f"export.json: {words}"):
        read_documents("export.json", damaged)


DATA = {"image": "b.jpg"}
UNREADABLE: dict[str, tuple[Any, str]] = {
    "no keys of a task": ({"id": 1}, "found the keys ['id']"),
    "a text": ("a text", "found a str"),
    "null": (None, "found a NoneType"),
    "a number": (17, "found a int"),
    "a list in the list": ([], "found a list"),
    "a result without its task": ({"result": 3, "task": {}}, "found the keys"),
    "the task's id alone, as old sinks have it": ({"id": 1, "result": [], "task": 5}, "found the keys"),
    "a result that is an object": ({"id": 1, "result": {}, "task": {"id": 2, "data": DATA}}, "'result' is a dict"),
    "a result that is a text": ({"id": 2, "data": DATA, "annotations": [{"result": "[]"}]}, "'result' is a str"),
    "annotations that are an object": ({"id": 2, "data": DATA, "annotations": {}}, "'annotations' is a dict"),
    "annotations that are a number": ({"id": 2, "data": DATA, "annotations": 1}, "'annotations' is a int"),
    "ids of annotations alone": ({"id": 2, "data": DATA, "annotations": [7]}, "an annotation is a int"),
    "an annotation without its result": ({"id": 2, "data": DATA, "annotations": [{"id": 7}]}, "has the keys ['id']"),
    "null for an annotation": ({"id": 2, "data": DATA, "annotations": [None]}, "an annotation is a NoneType"),
    "annotations that were not written": (
        {"id": 2, "data": DATA, "annotations": None, "total_annotations": 3}, "a NoneType in a task with 3 of them"
    ),
    "data that is a text": ({"id": 2, "data": "b.jpg", "annotations": []}, "found the keys"),
    "data that is null": ({"id": 2, "data": None, "annotations": []}, "found the keys"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "words"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_a_document_that_cannot_be_read_is_a_row_that_names_it_and_the_others_are_read(
    document: Any, words: str
) -> None:
    good = task("a.jpg", annotation(region()), id=1)
    tasks, (row,) = read_documents("/data/export.json", json.dumps([good, document, good | {"id": 3}]))
    assert [one.id for one in tasks] == ["1", "3"]
    assert (row.reason, row.annotation) == ("unreadable_annotation", "export.json, document 2")
    assert row.detail.startswith("export.json, document 2: ")
    assert words in row.detail
    tasks, (row,) = read_documents("17", json.dumps(document if document != [] else [[]]))
    assert (tasks, row.annotation.split(",")[0]) == ([], "17")


@pytest.mark.parametrize("annotations", [None, []])
def test_a_task_whose_annotations_are_null_is_one_that_nobody_annotated(annotations: list[object] | None) -> None:
    # HumanSignal/label-studio-sdk#237: tasks that the SDK writes.
    read = read_task({"id": 2, "data": DATA, "annotations": annotations, "total_annotations": 0})
    assert read.annotations == ()


def test_ids_that_are_missing_or_null_are_no_ids() -> None:
    # HumanSignal/label-studio#8012: import files have neither ids of tasks nor of annotations.
    documents: list[dict[str, Any]]
    documents = [{"data": {"image": name}, "annotations": [{"result": []}]} for name in ("a.jpg", "b.jpg")]
    documents.append(documents[1] | {"id": None, "annotations": [{"id": None, "result": []}]})
    tasks, rows = read_documents("/data/import.json", json.dumps(documents))
    assert rows == []
    assert len(merge_by_task(tasks)) == 3, "tasks without ids are not one task"
    assert [task.id for task in tasks] == ["import.json#1", "import.json#2", "import.json#3"]
    assert [one.id for task in tasks for one in task.annotations] == ["", "", ""]
    with pytest.raises(ValueError, match="the task has no id"):
        read_task(documents[0])


@pytest.mark.parametrize(
    ("written", "is_set"),
    [(True, True), ("true", True), (1, True), (" 1", True), ("Yes", True), ("False", False), (0, False), ("no", False)],
)
def test_a_flag_that_is_written_as_text_is_a_flag(written: object, is_set: bool) -> None:
    one = read_annotation({"result": [], "was_cancelled": written, "ground_truth": written})
    assert (one.was_cancelled, one.ground_truth) == (is_set, is_set)


def test_personal_data_is_left_behind() -> None:
    document = sink_document(task("a.jpg", annotation(region(), completed_by={"email": "someone@example.org"})))
    assert "someone@example.org" not in repr(read_documents("17", json.dumps(document)))
