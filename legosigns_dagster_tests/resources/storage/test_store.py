"""The check that a store can be written and read, before a run begins."""

from pathlib import Path

import pytest

from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.store import LocalStore, check_round_trip


class ForgetfulStore(LocalObjectStore):
    """A store that gives back other bytes than it was given."""

    def read(self, key: str) -> bytes:
        return b"<html>a web page</html>"


def test_a_store_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    LocalStore(folder=str(tmp_path)).require_writable()
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_store_that_returns_other_bytes_is_refused_with_the_hint(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"preflight/\w+ returned different bytes than were written: is it S3\?"):
        check_round_trip(ForgetfulStore(tmp_path), "is it S3?")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
