import base64

import pytest

from legosigns_dagster.core.ingestion.fetched_images import image_name
from legosigns_dagster.core.ingestion.image_urls import (
    image_paths,
    inline_image,
    is_inline,
    shown_url,
    storage_uri,
    stored_url,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
IN_BASE64 = base64.b64encode(PNG).decode()


def file_uri(uri: str) -> str:
    return base64.urlsafe_b64encode(uri.encode()).decode()


# Where people met it: label-studio 1266, 5025, 5875, 6472, label-studio-converter 172, label-studio-sdk 129, yarl 876.
NAMES = {
    "an s3 key with %": ("s3://bucket/shots/50%20kmh.jpg", "50%20kmh.jpg"),
    "a gs key with %": ("gs://bucket/50%25.jpg", "50%25.jpg"),
    "an azure key with #": ("azure-blob://container/deep/sign#1.jpg", "sign#1.jpg"),
    "an s3 key with ?": ("s3://bucket/is it 50?.jpg", "is it 50?.jpg"),
    "an s3 key with ? and =": ("s3://bucket/a?v=50.jpg", "a?v=50.jpg"),
    "an s3 key with a plus": ("s3://bucket/a+b.jpg", "a+b.jpg"),
    "an s3 key with a signature": ("s3://bucket/a.jpg?X-Amz-Signature=5e88", "a.jpg"),
    "an https URL with %": ("https://host/50%2520kmh.jpg", "50%20kmh.jpg"),
    "an https URL with a plus": ("https://host/a+b.jpg", "a+b.jpg"),
    "an https URL with # in the name": ("https://host/sign#1.jpg", "sign#1.jpg"),
    "an https URL with ? in the name": ("https://host/what?.jpg", "what?.jpg"),
    "an https URL with spaces": ("https://host/50 kmh.jpg", "50 kmh.jpg"),
    "a fragment": ("https://host/a.jpg#top", "a.jpg"),
    "a query without =": ("https://host/a.jpg?1700000000", "a.jpg"),
    "half a percent code": ("https://host/100%.jpg", "100%.jpg"),
    "brackets for a host": ("https://[REDACTED]/bucket/a.jpg", "a.jpg"),
    "one bracket": ("https://[host/bucket/a.jpg", "a.jpg"),
    "brackets in the path": ("https://host/a[1].jpg", "a[1].jpg"),
    "angle brackets for a host": ("https://<host>/a.jpg", "a.jpg"),
    "braces for a host": ("https://{{DOMAIN}}:port/a.jpg", "a.jpg"),
    "no host": ("https:///a.jpg", "a.jpg"),
    "a host that is a name of one": ("https://DOMAIN_NAME/bucket/a.jpg", "a.jpg"),
    "local files with a plus": ("/data/local-files/?d=a%2Bb.jpg", "a+b.jpg"),
    "local files with & in the name": ("/data/local-files/?d=R%26D/a&b.jpg", "a&b.jpg"),
    "local files and more": ("/data/local-files/?d=cam1/a.jpg&token=5e88", "a.jpg"),
    "local files of Windows": (r"/data/local-files/?d=cam1\a.jpg", "a.jpg"),
    "local files of a host": ("http://localhost:8080/data/local-files/?d=cam1/a.jpg", "a.jpg"),
    "an upload of an old version": ("/storage-data/uploaded/?filepath=upload/1/a.jpg", "a.jpg"),
    "a path of Windows": (r"C:\images\a.jpg", "a.jpg"),
    "a path on a disk": ("images/50%20kmh.jpg", "50%20kmh.jpg"),
    "a name with a colon": ("sign:50.jpg", "sign:50.jpg"),
    "resolve": (f"/tasks/7/resolve/?fileuri={file_uri('s3://bucket/shots/a.jpg')}", "a.jpg"),
    "presign": (f"/tasks/7/presign/?fileuri={file_uri('gs://bucket/shots/50%20.jpg')}", "50%20.jpg"),
    "resolve of a project": (f"http://ls:8080/projects/1/resolve/?fileuri={file_uri('s3://b/ü.jpg')}", "ü.jpg"),
    "resolve without padding": (f"/tasks/7/resolve/?fileuri={file_uri('s3://b/aa.jpg').rstrip('=')}", "aa.jpg"),
    "resolve with its padding encoded": ("/tasks/7/resolve/?fileuri=czM6Ly9iL2EuanBn%3D", "a.jpg"),
    "resolve not in base64": ("/tasks/7/presign/?fileuri=s3%3A%2F%2Fbucket%2Fa.jpg", "a.jpg"),
    "resolve of what is no base64": ("/tasks/7/resolve/?fileuri=!!!", "resolve"),
    "half a character": ("https://host/\ud83d.jpg", "\ufffd.jpg"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("url", "name"), NAMES.values(), ids=NAMES.keys())
def test_an_image_has_the_name_that_its_url_means(url: str, name: str) -> None:
    assert image_name(url) == name


@pytest.mark.parametrize("url", [url for url, _ in NAMES.values()], ids=NAMES.keys())
def test_a_url_as_it_is_shown_means_the_same_image(url: str) -> None:
    assert image_name(shown_url(url)) == image_name(url)
    assert shown_url(shown_url(url)) == shown_url(url)
    assert not {"5e88", "token", "fileuri"} & set(shown_url(url).replace("=", "&").split("&")) or "!!!" in url


@pytest.mark.parametrize("url", [url for url, _ in NAMES.values()], ids=NAMES.keys())
def test_a_url_as_it_is_stored_means_the_same_image_and_stays_as_it_is(url: str) -> None:
    stored = stored_url(url)
    assert image_name(stored) == image_name(url)
    assert stored_url(stored) == stored
    assert "5e88" not in stored


def test_two_urls_that_differ_in_their_queries_alone_are_stored_as_two() -> None:
    stored = [stored_url(url) for url in ("https://host/image?id=1", "https://host/image?id=2", "https://host/image")]
    assert len(set(stored)) == 3
    assert all(url.startswith("https://host/image") and "id=" not in url for url in stored)
    assert stored_url("s3://bucket/what?.jpg") == "s3://bucket/what?.jpg"


def test_the_folders_of_a_url_are_kept_decoded_first() -> None:
    assert image_paths("https://host/cam%201/a.jpg?x=1") == ("host/cam 1/a.jpg", "host/cam%201/a.jpg")
    assert image_paths("/data/local-files/?d=cam1/a+b.jpg") == ("cam1/a b.jpg", "cam1/a+b.jpg")
    assert image_paths("s3://bucket/cam%201/a.jpg") == ("bucket/cam%201/a.jpg",)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a.jpg?X-Amz-Credential=me&X-Amz-Signature=5e88#top", "https://host/a.jpg"),
        ("https://account.blob.core.windows.net/c/a.jpg?sv=2022&sig=5e88%3D", "https://account.blob.core.windows.net/c/a.jpg"),
        ("https://me:secret@host:8080/a.jpg", "https://host:8080/a.jpg"),
        ("https://me:sec@ret@host/a.jpg", "https://host/a.jpg"),
        ("s3://key:secret@bucket/a.jpg", "s3://bucket/a.jpg"),
        ("s3://bucket/a.jpg?versionId=1&X-Amz-Signature=5e88", "s3://bucket/a.jpg"),
        ("https://[REDACTED]/a.jpg?sig=5e88", "https://[REDACTED]/a.jpg"),
        ("/data/upload/1/a.jpg?token=5e88", "/data/upload/1/a.jpg"),
        (f"/tasks/7/resolve/?fileuri={file_uri('s3://me:secret@b/a.jpg?sig=5e88')}", "s3://b/a.jpg"),
        ("/data/local-files/?d=cam1/a.jpg&token=5e88", "/data/local-files/?d=cam1/a.jpg"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_spaces_around_a_url_do_not_hide_its_file() -> None:
    assert "host/a.jpg" in image_paths("https://host/a.jpg\r\n")


def test_a_link_to_the_resolver_is_the_uri_in_it() -> None:
    assert storage_uri("/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvc2hvdHMvYS5qcGc=") == "s3://bucket/shots/a.jpg"
    assert storage_uri("https://host/a.jpg?fileuri=x") == "https://host/a.jpg?fileuri=x"


INLINE = {
    "base64": f"data:image/png;base64,{IN_BASE64}",
    "in upper case": f"DATA:IMAGE/PNG;BASE64,{IN_BASE64}",
    "with a charset": f"data:image/png;charset=utf-8;base64,{IN_BASE64}",
    "without its padding": f"data:image/png;base64,{IN_BASE64.rstrip('=')}",
    "with line breaks": "data:image/png;base64,\n" + "\r\n".join(IN_BASE64[i : i + 76] for i in range(0, 400, 76)),
    "in the other alphabet": f"data:image/png;base64,{base64.urlsafe_b64encode(PNG).decode()}",
    "percent-encoded base64": f"data:image/png;base64,{IN_BASE64.replace('+', '%2B').replace('/', '%2F')}",
    "percent-encoded bytes": "data:image/png," + "".join(f"%{byte:02X}" for byte in PNG),
    "without a type": f"data:;base64,{IN_BASE64}",
    "after a space": f" data:image/png;base64,{IN_BASE64}",
    "base64 alone": IN_BASE64,  # label-studio 5030
}


@pytest.mark.parametrize("url", INLINE.values(), ids=INLINE.keys())
def test_an_image_in_its_task_is_decoded_and_shown_by_a_short_name(url: str) -> None:
    assert is_inline(url)
    assert inline_image(url) == PNG
    assert len(shown_url(url)) < 40
    assert shown_url(shown_url(url)) == shown_url(url) == f"data://{image_name(url)}"
    assert image_name(shown_url(url)) == image_name(url)
    assert not is_inline(shown_url(url))


@pytest.mark.parametrize("url", ["data:", "data:image/png;base64", "data:image/png;base64,", "data:image/png;base64,a"])
def test_what_is_no_image_in_its_task_says_so(url: str) -> None:
    with pytest.raises(ValueError, match=r"it is empty|base64 cannot be decoded"):
        inline_image(url)


def test_an_endless_name_is_cut() -> None:
    assert len(image_name("https://host/" + "a" * 5000 + ".jpg")) == 255
    assert len(shown_url("https://host/" + "a" * 5000 + ".jpg")) < 1200
