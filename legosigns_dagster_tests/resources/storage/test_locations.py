import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.sources import ExportSource, SinkSource
from legosigns_dagster.resources.storage.locations import Location, relative_key, require_different
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.support.builders import annotation, region, sink_document, task, write_export, write_image
from legosigns_dagster_tests.support.served_models import Reply, small_server
from legosigns_dagster_tests.support.servers import S3Server


@pytest.fixture
def objects(s3_server: S3Server, bucket: str) -> S3ObjectStore:
    return S3ObjectStore(s3_server.client(), bucket)


def location(uri: str | Path, objects: S3ObjectStore | None = None) -> Location:
    def client() -> object:
        assert objects, "a path needs no S3 client"
        return objects.client

    return Location(str(uri), "THE_VARIABLE", client)  # type: ignore[arg-type]


def test_a_path_is_used_where_it_is(tmp_path: Path) -> None:
    assert location(tmp_path).fetch(tmp_path / "unused") == tmp_path


def test_a_path_that_is_not_there_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="THE_VARIABLE is .*gone"):
        location(tmp_path / "gone").fetch(tmp_path)


def test_a_prefix_is_downloaded_with_its_folders(objects: S3ObjectStore, tmp_path: Path) -> None:
    objects.write("given/a.txt", b"a")
    objects.write("given/deep/b.txt", b"b")
    objects.write("given-too/c.txt", b"c")
    folder = location(f"s3://{objects.bucket}/given", objects).fetch(tmp_path)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.txt")) == ["a.txt", "deep/b.txt"]


def test_a_single_object_is_one_file(objects: S3ObjectStore, tmp_path: Path) -> None:
    objects.write("registry/best.pt", b"weights")
    assert location(f"s3://{objects.bucket}/registry/best.pt", objects).fetch(tmp_path).read_bytes() == b"weights"


@pytest.mark.parametrize(
    "key", ["best.pt#2", "best.pt?x=1", "best.pt?versionId=3", "100%25.pt", "a b+c.pt", "%2Fbest.pt", "best.pt&a=1"]
)
def test_a_key_is_a_key_to_the_letter(key: str, objects: S3ObjectStore, tmp_path: Path) -> None:
    for other in ("best.pt", "100%.pt", "a b c.pt", "/best.pt"):
        objects.write(other, b"another")
    with pytest.raises(FileNotFoundError, match="no object with this key"):
        location(f"s3://{objects.bucket}/{key}", objects).fetch(tmp_path)
    objects.write(key, b"weights")
    place = location(f"s3://{objects.bucket}/{key}", objects)
    place.require_readable()
    assert place.fetch(tmp_path / "into").read_bytes() == b"weights"


def test_a_version_of_an_object_is_refused_by_name(objects: S3ObjectStore, tmp_path: Path) -> None:
    objects.write("best.pt", b"the newest version")
    place = location(f"s3://{objects.bucket}/best.pt?versionId=3", objects)
    for ask in (place.require_readable, lambda: place.fetch(tmp_path)):
        with pytest.raises(
            FileNotFoundError, match=r"best\.pt\?versionId=3: .* a version of an object is not read here"
        ):
            ask()


def test_a_version_of_an_image_is_refused_by_name(objects: S3ObjectStore, tmp_path: Path) -> None:
    objects.write("a.jpg", b"the newest version")
    with pytest.raises(RejectedError, match="a version of an object is not read here"):
        fetched(f"s3://{objects.bucket}/a.jpg?versionId=3", tmp_path / "into", None, objects)
    objects.write("a.jpg?versionId=3", b"bytes")
    found = fetched(f"s3://{objects.bucket}/a.jpg?versionId=3", tmp_path / "into", None, objects)
    assert found.read_bytes() == b"bytes"


def test_two_keys_that_would_be_one_file_are_refused() -> None:
    targets = [Path("into/a.jpg"), Path("into/a.jpg")]
    with pytest.raises(ValueError, match="'given/a.jpg' and 'given//a.jpg' give one file"):
        require_different(targets, ["given/a.jpg", "given//a.jpg"])


def test_a_prefix_with_nothing_below_names_the_variable(objects: S3ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="THE_VARIABLE is s3://.*no object"):
        location(f"s3://{objects.bucket}/nothing", objects).fetch(tmp_path)


def test_an_object_whose_file_would_lie_outside_of_the_folder_is_refused() -> None:
    assert relative_key("given/deep/a.txt", "given") == "deep/a.txt"
    with pytest.raises(ValueError, match=r"'given/\.\./\.\./a\.txt' contains '\.\.': rename it"):
        relative_key("given/../../a.txt", "given")


def test_a_sink_and_an_export_give_the_same_tasks(tmp_path: Path) -> None:
    tasks = [task(f"{n}.jpg", annotation(region(), id=n), id=n) for n in (1, 2)]
    for number, whole in enumerate(tasks, 1):
        write_export(tmp_path / "sink" / str(number), sink_document(whole))
    sink = SinkSource(location(tmp_path / "sink")).extract(tmp_path)
    export = ExportSource(location(write_export(tmp_path / "export.json", *tasks))).extract(tmp_path)
    assert sink.tasks == export.tasks
    assert list(sink.unreadable) == []


def test_of_several_projects_in_one_sink_one_counts(tmp_path: Path) -> None:
    for number, project in ((1, 7), (2, 8)):
        whole = task(f"{number}.jpg", annotation(region(), id=number, project=project), id=number) | {
            "project": project
        }
        write_export(tmp_path / "sink" / str(number), sink_document(whole))
    found = SinkSource(location(tmp_path / "sink"), project="8").extract(tmp_path)
    assert [t.id for t in found.tasks] == ["2"]


def test_a_sink_in_s3_is_read_like_one_on_disk(objects: S3ObjectStore, tmp_path: Path) -> None:
    file = write_export(tmp_path / "1", sink_document(task("a.jpg", annotation(region(), id=1))))
    objects.upload(file, "sink/1")
    found = SinkSource(location(f"s3://{objects.bucket}/sink", objects)).extract(tmp_path / "into")
    assert [t.id for t in found.tasks] == ["1"]


def test_a_truncated_file_in_a_sink_is_a_row_and_the_others_are_unharmed(tmp_path: Path) -> None:
    good = write_export(tmp_path / "sink" / "1", sink_document(task("a.jpg", annotation(region(), id=1))))
    (tmp_path / "sink" / "2").write_bytes(good.read_bytes()[:200])
    found = SinkSource(location(tmp_path / "sink")).extract(tmp_path)
    assert len(found.tasks) == 1
    assert [(row.reason, row.annotation) for row in found.unreadable] == [("unreadable_annotation", "2")]


def test_a_truncated_export_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = write_export(tmp_path / "export.json", task("a.jpg", annotation(region())))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"export\.json"):
        ExportSource(location(file)).extract(tmp_path)


def fetched(url: str, into: Path, images: Location | None, objects: S3ObjectStore | None = None) -> Path:
    into.mkdir(exist_ok=True)
    return ImageFetcher(images, lambda: objects.client if objects else None)(url, into)  # type: ignore[arg-type,return-value]


def test_an_image_is_looked_up_by_name_before_its_url(tmp_path: Path) -> None:
    file = write_image(tmp_path / "images" / "deep" / "a.jpg")
    found = fetched("https://nowhere.invalid/x/a.jpg", tmp_path / "into", location(tmp_path / "images"))
    assert found.read_bytes() == file.read_bytes()


def test_an_image_in_a_bucket_is_looked_up_by_name(objects: S3ObjectStore, tmp_path: Path) -> None:
    objects.write("images/a.jpg", b"bytes")
    images = location(f"s3://{objects.bucket}/images/", objects)
    assert fetched("https://nowhere.invalid/a.jpg", tmp_path / "into", images).read_bytes() == b"bytes"


def test_an_s3_url_is_fetched_from_its_bucket(objects: S3ObjectStore, tmp_path: Path) -> None:
    objects.write("lego/a.jpg", b"bytes")
    found = fetched(f"s3://{objects.bucket}/lego/a.jpg", tmp_path / "into", None, objects)
    assert found.read_bytes() == b"bytes"


@pytest.mark.parametrize("uri", ["s3://bucket/images", "s3://bucket/images/"])
def test_files_below_a_prefix_are_found_and_listed_by_their_path_below_it(uri: str, tmp_path: Path) -> None:
    keys = ("images/deep/a.jpg", "images/ b.jpg", "images/b.jpg", "images-too/c.jpg")
    facts = "<LastModified>2026-01-01T00:00:00Z</LastModified><Size>9</Size>"

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        query = dict(parse_qsl(urlsplit(path).query))
        if "list-type" not in query:
            return 200, {}, unquote(path).encode()
        listed = [key for key in keys if key.startswith(query["prefix"])]
        rows = "".join(f"<Contents><Key>{key}</Key>{facts}</Contents>" for key in listed)
        return 200, {}, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()

    with small_server(respond) as server:
        s3 = S3(endpoint_url=server.url, aws_access_key_id="somebody", aws_secret_access_key="secret",
                region_name="us-east-1")  # fmt: skip
        finder = Location(uri, "THE_VARIABLE", s3.get_client).finder()
        assert finder.passed_over(["elsewhere/a.jpg"]) == ["deep/a.jpg"]
        assert finder.passed_over(["c.jpg"]) == []
        for name in (" b.jpg", "b.jpg"):
            found = finder.find([name], tmp_path)
            assert found is not None
            assert found.read_bytes() == f"/bucket/images/{name}".encode()


def test_an_image_that_is_nowhere_names_its_url_and_the_variable(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"/data/upload/1/a\.jpg.*LABEL_STUDIO_IMAGES"):
        fetched("/data/upload/1/a.jpg", tmp_path / "into", location(tmp_path))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server that serves `tmp_path`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_image_that_is_not_in_the_folder_is_fetched_from_its_url(web: str, tmp_path: Path) -> None:
    file = write_image(tmp_path / "served" / "a.jpg")
    (tmp_path / "images").mkdir()
    found = fetched(f"{web}/served/a.jpg", tmp_path / "into", location(tmp_path / "images"))
    assert found.read_bytes() == file.read_bytes()


def test_an_image_that_the_server_does_not_have_names_its_url(web: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"missing_image: http://127.0.0.1:\d+/gone\.jpg: 404"):
        fetched(f"{web}/gone.jpg", tmp_path / "into", None)


def test_what_is_far_too_large_for_an_image_is_refused(
    web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legosigns_dagster.resources.label_studio.images.MAX_BYTES", 1000)
    (tmp_path / "film.jpg").write_bytes(bytes(2000))
    with pytest.raises(RejectedError, match="that is no image"):
        fetched(f"{web}/film.jpg", tmp_path / "into", None)
