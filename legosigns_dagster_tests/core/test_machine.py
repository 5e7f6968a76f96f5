"""Cores and memory follow every limit: trees of cgroups of both versions, variables, and limits of the process."""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from legosigns_dagster.core.machine import MIB, resident_mib, usable_cores, usable_memory_mib

V2 = {"proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"}
V1 = {
    "proc/self/mountinfo": "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "proc/self/cgroup": "4:memory:/kubepods/pod1/c1\n3:cpu,cpuacct:/kubepods/pod1/c1",
}
CPU, MEMORY = "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/memory"
# Inside of a container of version 1, its own group is mounted where the root would be, but is named in full.
CONTAINER_V1 = {
    "proc/self/mountinfo": "31 23 0:27 /docker/c1 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    "32 23 0:28 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
    "proc/self/cgroup": "4:memory:/docker/c1\n3:cpu,cpuacct:/docker/c1\n0::/docker/c1",
}
QUOTAS: dict[str, tuple[Mapping[str, str], float | None]] = {
    "nothing": ({}, None),
    "2: own group": ({**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "300000 100000"}, 3),
    "2: no quota": ({**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, None),
    "2: a group above": (
        {**V2, "proc/self/cgroup": "0::/a.slice/b.scope", "sys/fs/cgroup/a.slice/cpu.max": "200000 100000",
         "sys/fs/cgroup/a.slice/b.scope/cpu.max": "max 100000"}, 2),
    "2: the least of several": (
        {**V2, "proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/cpu.max": "200000 100000",
         "sys/fs/cgroup/a/b/cpu.max": "500000 100000"}, 2),
    "2: half a CPU": ({**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "50000 100000"}, 1),
    "2: a group outside": ({**V2, "proc/self/cgroup": "0::/../../x", "sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
    "1: own group": (
        {**V1, f"{CPU}/kubepods/pod1/c1/cpu.cfs_quota_us": "200000",
         f"{CPU}/kubepods/pod1/c1/cpu.cfs_period_us": "100000"}, 2),
    "1: a group above": (
        {**V1, f"{CPU}/kubepods/pod1/c1/cpu.cfs_quota_us": "-1", f"{CPU}/kubepods/pod1/c1/cpu.cfs_period_us": "100000",
         f"{CPU}/kubepods/pod1/cpu.cfs_quota_us": "300000", f"{CPU}/kubepods/pod1/cpu.cfs_period_us": "100000"}, 3),
    "1: in a container": (
        {**CONTAINER_V1, f"{CPU}/cpu.cfs_quota_us": "200000", f"{CPU}/cpu.cfs_period_us": "100000"}, 2),
    "both: cpu in version 1, nothing in 2": (
        {**V1, "proc/self/mountinfo": V1["proc/self/mountinfo"] + "\n33 23 0:29 / /sys/fs/cgroup/two rw - cgroup2 x y",
         "proc/self/cgroup": f"{V1['proc/self/cgroup']}\n0::/", f"{CPU}/cpu.cfs_quota_us": "200000",
         f"{CPU}/cpu.cfs_period_us": "100000"}, 2),
}  # fmt: skip
LIMITS: dict[str, tuple[Mapping[str, str], int | None]] = {
    "nothing": ({}, None),
    "2: own group": ({**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": str(512 * MIB)}, 512),
    "2: no limit": ({**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, None),
    "2: where it is slowed down": (
        {**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max",
         "sys/fs/cgroup/memory.high": str(300 * MIB)}, 300),
    "2: a group above": (
        {**V2, "proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/memory.max": str(256 * MIB),
         "sys/fs/cgroup/a/b/memory.max": str(512 * MIB)}, 256),
    "2: beyond the machine's memory": (
        {**V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": str(2**59)}, None),
    "1: own group": ({**V1, f"{MEMORY}/kubepods/pod1/c1/memory.limit_in_bytes": str(512 * MIB)}, 512),
    "1: none, as version 1 writes it": ({**V1, f"{MEMORY}/memory.limit_in_bytes": "9223372036854771712"}, None),
    "1: a group above": ({**V1, f"{MEMORY}/kubepods/memory.limit_in_bytes": str(256 * MIB)}, 256),
    "1: in a container": ({**CONTAINER_V1, f"{MEMORY}/memory.limit_in_bytes": str(128 * MIB)}, 128),
}  # fmt: skip


@pytest.fixture
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with 16 cores, so that limits show on any."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize("case", QUOTAS)
def test_a_quota_of_any_group_counts(case: str, tmp_path: Path, many_cores: None) -> None:
    files, cores = QUOTAS[case]
    assert usable_cores(root=write_tree(tmp_path, files)) == (cores or 16)


@pytest.fixture
def no_ulimit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever `ulimit` allows the tests."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.parametrize("case", LIMITS)
def test_a_limit_of_memory_of_any_group_counts(case: str, tmp_path: Path, no_ulimit: None) -> None:
    files, mib = LIMITS[case]
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB
    assert usable_memory_mib(root=write_tree(tmp_path, files)) == (mib or physical)


@pytest.mark.parametrize(
    ("variables", "cores"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "3,2"}, 3),
        ({"OMP_THREAD_LIMIT": "5", "OMP_NUM_THREADS": "8"}, 5),
        ({"CPU_LIMIT": "1.5"}, 2),
        ({"OMP_NUM_THREADS": "all", "CPU_LIMIT": ""}, 16),
        ({"OMP_NUM_THREADS": "64"}, 16),
    ],
)
def test_a_variable_can_only_lower_the_number_of_cores(
    variables: dict[str, str], cores: int, tmp_path: Path, many_cores: None
) -> None:
    assert usable_cores(variables, tmp_path) == cores


def test_a_notebook_s_variable_limits_the_memory(tmp_path: Path, no_ulimit: None) -> None:
    assert usable_memory_mib({"MEM_LIMIT": str(300 * MIB)}, tmp_path) == 300


def test_cores_that_the_process_may_not_be_scheduled_on_do_not_count(tmp_path: Path) -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    code += "; from legosigns_dagster.core.machine import usable_cores; print(usable_cores())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_what_ulimit_allows_counts(limit: str) -> None:
    code = f"import resource; resource.setrlimit(resource.{limit}, ({900 * MIB}, {900 * MIB}))"
    code += "; from legosigns_dagster.core.machine import usable_memory_mib; print(usable_memory_mib())"
    assert getattr(resource, limit)
    assert 300 < int(subprocess.check_output([sys.executable, "-c", code], text=True)) <= 900


def test_the_memory_that_this_process_holds_grows_with_what_it_keeps() -> None:
    before = resident_mib()
    kept = bytearray(b"x" * (200 * 2**20))
    assert 150 < resident_mib() - before < 450, len(kept)
