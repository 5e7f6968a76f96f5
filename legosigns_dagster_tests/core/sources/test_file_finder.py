"""A folder and a prefix in S3 are searched alike; most rules are tried on a folder, which takes no server."""

import time
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest

from legosigns_dagster.core.sources.file_finder import AmbiguousFileError, FileFinder, holds_copies
from legosigns_dagster.resources.storage.locations import Location, list_files
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.support.servers import S3Server


def make_finder(folder: Path, *names: str, wanted: Iterable[str] = ()) -> FileFinder:
    """Write files whose content is their name, and list them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    location = Location(str(folder), "THE_VARIABLE", lambda: None)  # type: ignore[arg-type,return-value]
    return location.finder([path] for path in wanted)


def found(finder: FileFinder, into: Path, *paths: str) -> str | None:
    file = finder.find(paths, into)
    return file.read_text() if file else None


NFD, NFC = (unicodedata.normalize(form, "é/ñ.jpg") for form in ("NFD", "NFC"))

# Where people met it: label-studio 6438, 7096, label-studio-converter 132, clip-retrieval 321.
CASES: dict[str, tuple[list[str], str, str | None]] = {
    "the folder decides": (["cam1/0001.jpg", "cam2/0001.jpg"], "cam1/0001.jpg", "cam1/0001.jpg"),
    "the folder above decides": (["a/img/1.jpg", "b/img/1.jpg"], "host/b/img/1.jpg", "b/img/1.jpg"),
    "more folders than known": (["x/cam1/1.jpg", "x/cam2/1.jpg"], "cam2/1.jpg", "x/cam2/1.jpg"),
    "fewer folders than known": (["1.jpg"], "host/bucket/cam1/1.jpg", "1.jpg"),
    "another arrangement": (["deep/a.jpg"], "host/x/a.jpg", "deep/a.jpg"),
    "a mirror of a bucket": (["a.jpg", "sub/a.jpg"], "bucket/a.jpg", "a.jpg"),
    "deeper in a mirror of a bucket": (["a.jpg", "sub/a.jpg"], "bucket/sub/a.jpg", "sub/a.jpg"),
    "a folder of that name has no such file": (["cam1/2.jpg", "cam2/1.jpg"], "cam1/1.jpg", None),
    "only the other camera's folder": (["cam2/1.jpg"], "host/cam1/1.jpg", None),
    "only the other day's folder": (["2026-05-02/1.jpg"], "bucket/2026-05-01/1.jpg", None),
    "the other camera's folder, deeper": (["cam2/images/1.jpg"], "cam1/images/1.jpg", None),
    "split into folders later": (["images/train/a.jpg"], "host/images/a.jpg", "images/train/a.jpg"),
    "a thumbnail beside": (["images/a.jpg", "thumbs/a.jpg"], "host/x/a.jpg", "images/a.jpg"),
    "a thumbnail with more of the path": (["a.jpg", "thumbs/cam1/a.jpg"], "cam1/a.jpg", "a.jpg"),
    "thumbnails of a NAS": (["cam1/a.jpg", "@eaDir/cam1/a.jpg"], "cam1/a.jpg", "cam1/a.jpg"),
    "a resized copy": (["a/images/x.jpg", "images_640x480/x.jpg"], "host/x.jpg", "a/images/x.jpg"),
    "a result of Ultralytics": (["runs/detect/predict/a.jpg", "in/a.jpg"], "host/a.jpg", "in/a.jpg"),
    "a thumbnail alone": (["thumbnails/a.jpg"], "host/x/a.jpg", None),
    "a result alone": (["runs/detect/predict2/a.jpg"], "host/x/a.jpg", None),
    "a result of a validation": (["runs/val/a.jpg", "in/a.jpg"], "host/a.jpg", "in/a.jpg"),
    "a folder of results that is meant": (["results/a.jpg", "in/a.jpg"], "host/results/a.jpg", "results/a.jpg"),
    "composed on the disk, decomposed in the URL": ([NFC], f"host/{NFD}", NFC),
    "decomposed on the disk, composed in the URL": ([NFD], f"host/{NFC}", NFD),
    "backslashes": (["cam1/1.jpg", "cam2/1.jpg"], "cam2\\1.jpg", "cam2/1.jpg"),
    "empty folders": (["cam1/1.jpg", "cam2/1.jpg"], "cam2//./1.jpg", "cam2/1.jpg"),
    "nothing": (["a.jpg"], "", None),
    "another name": (["a.jpg"], "b.jpg", None),
}


@pytest.mark.parametrize(("names", "path", "wanted"), CASES.values(), ids=CASES.keys())
def test_a_file_is_found_by_as_much_of_its_path_as_is_known(
    names: list[str], path: str, wanted: str | None, tmp_path: Path
) -> None:
    assert found(make_finder(tmp_path / "in", *names), tmp_path, path) == wanted


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (["cam1/1.jpg", "cam2/1.jpg"], "host/bucket/1.jpg"),
        (["cam1/1.jpg", "cam2/1.jpg"], "1.jpg"),
        (["a/cam1/1.jpg", "b/cam1/1.jpg"], "cam1/1.jpg"),
        ([NFC, NFD], NFC),
    ],
)
def test_two_files_that_fit_are_an_error_with_both(names: list[str], path: str, tmp_path: Path) -> None:
    finder = make_finder(tmp_path / "in", *names)
    with pytest.raises(AmbiguousFileError, match="2 files fit") as error:
        finder.find([path], tmp_path)
    assert all(name in str(error.value) for name in names)


# Each wanted path with the file that it gets. Names that cameras give again: label-studio 7096, 6438.
WANTED: dict[str, tuple[list[str], dict[str, str | None]]] = {
    "only one camera's folder is there": (["rear/1.jpg"], {"rear/1.jpg": "rear/1.jpg", "front/1.jpg": None}),
    "pages of one task": (["a/1.jpg"], {"host/b/1.jpg": None, "host/a/1.jpg": "a/1.jpg"}),
    "a mirror of a bucket": (
        ["1.jpg", "sub/1.jpg"],
        {"bucket/1.jpg": "1.jpg", "bucket/sub/1.jpg": "sub/1.jpg"},
    ),
    "one image under two URLs": (["x/1.jpg"], {"host/bucket/x/1.jpg": "x/1.jpg", "bucket/x/1.jpg": "x/1.jpg"}),
    "one image in two storages": (["x/1.jpg"], {"host/x/1.jpg": "x/1.jpg", "bucket/x/1.jpg": "x/1.jpg"}),
    "with and without the host": (["1.jpg"], {"host/upload/3/1.jpg": "1.jpg", "upload/3/1.jpg": "1.jpg"}),
    "names that differ": (["1.jpg", "2.jpg"], {"cam1/1.jpg": "1.jpg", "cam2/2.jpg": "2.jpg"}),
}


@pytest.mark.parametrize(("names", "wanted"), WANTED.values(), ids=WANTED.keys())
def test_no_wanted_path_gets_the_file_of_another_one(
    names: list[str], wanted: dict[str, str | None], tmp_path: Path
) -> None:
    finder = make_finder(tmp_path / "in", *names, wanted=wanted)
    assert {path: found(finder, tmp_path, path) for path in wanted} == wanted


def test_a_file_of_two_folders_that_were_put_into_one_is_an_error_with_both(tmp_path: Path) -> None:
    wanted = ["cam1/1.jpg", "cam2/1.jpg"]
    finder = make_finder(tmp_path / "in", "1.jpg", wanted=wanted)
    for path in wanted:
        with pytest.raises(AmbiguousFileError, match=r"1\.jpg may be cam.* or cam"):
            finder.find([path], tmp_path)


def test_many_images_of_one_name_are_found_in_time(tmp_path: Path) -> None:
    names = [f"{number:04d}/image.jpg" for number in range(1000)]
    start = time.perf_counter()
    finder = FileFinder("s3://bucket/in", names, lambda name, _: Path(name), [[f"bucket/{name}"] for name in names])
    assert [finder.find([f"bucket/{name}"], tmp_path) for name in names] == list(map(Path, names))
    assert time.perf_counter() - start < 10, "each was compared with all others, which took minutes"


def test_two_copies_of_the_same_bytes_are_one_image(tmp_path: Path) -> None:
    finder = make_finder(tmp_path / "in", "x/a.jpg", "y/a.jpg")
    (tmp_path / "in/y/a.jpg").write_text("x/a.jpg")
    assert found(finder, tmp_path, "host/a.jpg") == "x/a.jpg"


def test_the_second_meaning_of_a_path_counts_where_the_first_has_no_file(tmp_path: Path) -> None:
    finder = make_finder(tmp_path / "in", "50%20.jpg", "a b.jpg")
    assert found(finder, tmp_path, "50 .jpg", "50%20.jpg") == "50%20.jpg"
    assert found(finder, tmp_path, "a b.jpg", "50%20.jpg") == "a b.jpg"


def test_the_location_itself_may_be_a_folder_of_results(tmp_path: Path) -> None:
    finder = make_finder(tmp_path / "results" / "thumbs", "a.jpg")
    assert found(finder, tmp_path, "host/a.jpg") == "a.jpg"


def test_the_folders_above_the_location_count(tmp_path: Path) -> None:
    finder = make_finder(tmp_path / "cam1", "1.jpg", "cam2/1.jpg")
    assert found(finder, tmp_path, "cam1/1.jpg") == "1.jpg"
    # Somebody has unpacked the whole set once more inside of it.
    finder = make_finder(tmp_path / "set" / "cam1", "day/1.jpg", "again/cam1/day/1.jpg")
    assert found(finder, tmp_path, "set/cam1/day/1.jpg") == "day/1.jpg"


def test_what_was_passed_over_is_named(tmp_path: Path) -> None:
    assert make_finder(tmp_path, "cam2/1.jpg", "thumbs/1.jpg").passed_over(["cam1/1.jpg"]) == [
        "cam2/1.jpg",
        "thumbs/1.jpg",
    ]


def test_files_behind_links_are_found_once_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jpg").write_text("a")
    finder_folder = tmp_path / "in"
    finder_folder.mkdir()
    (finder_folder / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(finder_folder)
    assert found(make_finder(finder_folder), tmp_path, "host/a.jpg") == "a"
    assert list_files(finder_folder) == [finder_folder / "link" / "a.jpg"]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("thumbs", True), (".thumbnails", True), ("thumbs_256", True), ("@eaDir", True), ("640x480", True),
     ("w320px", True), (".hidden", True),
     ("images_small", True), ("low_res", True), ("predict3", True), ("__MACOSX", True), ("Results", True),
     ("images", False), ("cam1", False), ("smallville", False), ("outdoor", False), ("cropland", False),
     ("2026", False),
     ("maskenball", False), ("small_signs", False)],
)  # fmt: skip
def test_folders_of_copies_are_known_by_their_names(folder: str, expected: bool) -> None:
    assert holds_copies(folder) == expected


def test_a_prefix_is_searched_like_a_folder(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    objects = S3ObjectStore(s3_server.client(), bucket)
    for name in ("cam1/1.jpg", "cam2/1.jpg", "thumbs/2.jpg", "deep/2.jpg", "3#?%20.jpg", NFD):
        objects.write(f"in/{name}", name.encode())
    finder = Location(f"s3://{bucket}/in", "THE_VARIABLE", s3_server.client).finder()
    assert found(finder, tmp_path, f"{bucket}/in/cam2/1.jpg") == "cam2/1.jpg"
    assert found(finder, tmp_path, "host/2.jpg") == "deep/2.jpg"
    assert found(finder, tmp_path, "host/3#?%20.jpg") == "3#?%20.jpg"
    assert found(finder, tmp_path, f"host/{NFC}") == NFD
    with pytest.raises(AmbiguousFileError, match=r"2 files fit: cam1/1\.jpg, cam2/1\.jpg"):
        finder.find(["host/1.jpg"], tmp_path)


def test_a_prefix_may_have_any_sign(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    S3ObjectStore(s3_server.client(), bucket).write("a#b?c%20/1.jpg", b"1")
    finder = Location(f"s3://{bucket}/a#b?c%20/", "THE_VARIABLE", s3_server.client).finder()
    assert found(finder, tmp_path, "host/1.jpg") == "1"
