"""What this process may use of the machine: cores and memory.

Linux only: it asks the scheduler (`os.sched_getaffinity`), `/proc` and the files of cgroup v2.
"""

import ctypes
import gc
import os
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
MIB = 2**20


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """Count the cores that this process may use.

    Returns:
        The cores it may be scheduled on, or the container's quota where that is less. At least 1.
    """
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = quota_file.read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup, or a quota of "max"
        return cores


def usable_memory_mib(limit_file: Path = MEMORY_LIMIT) -> int:
    """Find how much memory this process may use.

    Returns:
        The container's limit or the machine's memory, whichever is less, in MiB.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(int(limit_file.read_text()), physical) // MIB
    except (OSError, ValueError):  # no cgroup, or a limit of "max"
        return physical // MIB


def resident_mib() -> int:
    """Measure the memory that this process holds now, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // MIB


def give_back_memory() -> None:
    """Return freed memory to the system, where the C library can.

    glibc would keep the freed blocks of a hundred megabytes of images. They would then count in the peak of the next
    piece of work.
    """
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # not glibc
        return
