import os
from pathlib import Path

import pytest

from legosigns_dagster.core.machine import resident_mib, usable_cores, usable_memory_mib


@pytest.mark.parametrize(("quota", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_a_containers_quota_counts(tmp_path: Path, quota: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert usable_cores(tmp_path / "cpu.max") == (cores or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    ("limit", "mib"),
    [
        pytest.param(str(512 * 2**20), 512, id="a container's limit"),
        pytest.param("max", None, id="a container without one: the machine's memory"),
        pytest.param(str(2**60), None, id="a limit beyond the machine's memory"),
    ],
)
def test_memory_is_what_the_container_may_use(limit: str, mib: int | None, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    physical = usable_memory_mib(tmp_path / "missing")
    assert physical > 512
    assert usable_memory_mib(tmp_path / "memory.max") == (mib or physical)


def test_the_memory_that_this_process_holds_grows_with_what_it_keeps() -> None:
    before = resident_mib()
    kept = bytearray(b"x" * (200 * 2**20))
    assert 150 < resident_mib() - before < 450, len(kept)
