"""The facts of a release come back as they were written."""

import re

import pytest

from legosigns_dagster.core.files import FileEntry
from legosigns_dagster.core.release.layout import CLAIM, FACTS, number_in_key
from legosigns_dagster.core.release.release import AcceptedFinding, Origin, Release

ORIGIN = Origin(
    run_id="3f2a9c", made_from={"model_weights": "0123456789ab"}, verdicts={"onnx_parity": "equal"},
    compared_with="release 2", accepted=(AcceptedFinding("lego_signs_gained", "Ada", "tried on the track"),),
)  # fmt: skip
RELEASE = Release(3, "2026-11-26T03:14:15Z", {"best.pt": FileEntry("ab" * 32, 5)}, ORIGIN)


def test_a_release_comes_back_from_its_json_and_the_same_one_gives_the_same_text() -> None:
    assert Release.from_json(RELEASE.to_json(), "there") == RELEASE
    assert Release.from_json(RELEASE.to_json(), "there").to_json() == RELEASE.to_json()


@pytest.mark.parametrize(
    ("text", "told"),
    {
        "no JSON": ("{", "JSONDecodeError"),
        "another object": ("{}", "KeyError: 'version'"),
        "a list": ("[]", "TypeError"),
        "a newer version": ('{"version": 2}', "its version is 2, expected 1: use the legosigns that wrote it"),
        "half of it": ('{"version": 1, "number": 3}', "KeyError: 'origin'"),
    }.values(),
)
def test_what_is_no_release_is_named(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"s3://b/release.json has no facts of a release.*{re.escape(told)}"):
        Release.from_json(text, "s3://b/release.json")


@pytest.mark.parametrize(
    ("key", "number"),
    [("releases/7/claim.json", 7), ("releases/07/claim.json", None), ("releases/x/claim.json", None),
     ("releases/7/release.json", None), ("a/releases/7/claim.json", None), ("releases/7/golden/claim.json", None)],
)  # fmt: skip
def test_a_number_is_read_from_exactly_one_key(key: str, number: int | None) -> None:
    assert number_in_key(key, CLAIM) == number
    assert number_in_key(key, FACTS) == (7 if key == "releases/7/release.json" else None)
