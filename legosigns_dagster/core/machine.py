"""What this process may use of the machine."""

import ctypes
import gc
import os
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
MIB = 2**20


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """Cores that this process may use, at least 1: its affinity, and a container's quota where there is one."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = quota_file.read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup, or a quota of "max"
        return cores


def usable_memory_mib(limit_file: Path = MEMORY_LIMIT) -> int:
    """MiB that this process may use: the container's limit where there is one, else the machine's memory."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(int(limit_file.read_text()), physical) // MIB
    except (OSError, ValueError):  # no cgroup, or a limit of "max"
        return physical // MIB


def resident_mib() -> int:
    """MiB of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // MIB


def give_back_memory() -> None:
    """Return freed memory to the system, where the C library can.

    Freed blocks of a hundred megabytes of images stay with glibc otherwise, and count in the peak of what comes next.
    """
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # not glibc
        return
