"""What this process may use of the machine."""

import ctypes
import gc
import os
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """Cores that this process may use, at least 1: its affinity, and a container's quota where there is one."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = quota_file.read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup, or a quota of "max"
        return cores


def give_back_memory() -> None:
    """Return freed memory to the system, where the C library can.

    Freed blocks of a hundred megabytes of images stay with glibc otherwise, and count in the peak of what comes next.
    """
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # not glibc
        return
