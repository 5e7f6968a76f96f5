import pytest

from legosigns_dagster.core.ingestion.fetched_images import image_name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/bucket/a%20b.jpg?X-Amz-Signature=1", "a b.jpg"),
        ("s3://bucket/deep/er/a.jpg", "a.jpg"),
        ("/data/local-files/?d=sub/a%20b.jpg", "a b.jpg"),
        ("/data/upload/3/1234abcd-a.jpg", "1234abcd-a.jpg"),
        ("https://host/../../etc/passwd", "passwd"),
        ("https://host/..%2F..%2Fetc%2Fpasswd", "passwd"),
    ],
)
def test_an_image_is_named_by_the_last_part_of_its_url(url: str, name: str) -> None:
    assert image_name(url) == name
