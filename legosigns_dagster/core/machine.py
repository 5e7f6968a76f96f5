"""What this process may use of the machine: cores and memory.

Linux only: it asks the scheduler (`os.sched_getaffinity`), `/proc`, cgroups and the limits of the process.
"""

import ctypes
import gc
import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path

from legosigns_dagster.core.cgroups import SYSTEM, cpu_quotas, memory_limits

MIB = 2**20
# Variables that say how many threads, or of a notebook's server how many CPUs and bytes there are.
THREADS, CPUS, BYTES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT"), ("CPU_LIMIT",), ("MEM_LIMIT",)
UNSET: Mapping[str, str] = {}


def usable_cores(environment: Mapping[str, str] = UNSET, root: Path = SYSTEM) -> int:
    """Count the cores that this process may use.

    Args:
        environment: Variables that limit it: see `THREADS` and `CPUS`.
        root: Where `proc` and `sys` are.

    Returns:
        The cores it may be scheduled on, or what a quota or a variable allows where that is less. At least 1.
    """
    limits = [*cpu_quotas(root), *positive_numbers(environment, *THREADS, *CPUS)]
    return max(1, round(min([len(os.sched_getaffinity(0)), *limits])))


def usable_memory_mib(environment: Mapping[str, str] = UNSET, root: Path = SYSTEM) -> int:
    """Find how much memory this process may use, in MiB.

    Args:
        environment: Variables that limit it: see `BYTES`.
        root: Where `proc` and `sys` are.

    Returns:
        The machine's memory, or what a cgroup, `ulimit` or a variable allows where that is less.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [*memory_limits(root), *process_limits(), *positive_numbers(environment, *BYTES)]
    return int(min([physical, *limits])) // MIB


def positive_numbers(environment: Mapping[str, str], *names: str) -> Iterator[float]:
    """Give the values of the variables that are positive numbers. Of a list, such as "4,2", the first counts."""
    for name in names:
        try:
            value = float(environment.get(name, "").split(",")[0])
        except ValueError:
            continue
        if value > 0:
            yield value


def process_limits() -> Iterator[int]:
    """Give what `ulimit -v` and `ulimit -d` leave for memory that is used, in bytes.

    They count what is mapped. torch maps gigabytes of libraries that never take memory.
    """
    pages = [int(text) for text in Path("/proc/self/statm").read_text().split()]
    total, resident, data = pages[0], pages[1], pages[5]
    for kind, mapped in ((resource.RLIMIT_AS, total), (resource.RLIMIT_DATA, data)):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY:
            yield max(limit - max(mapped - resident, 0) * os.sysconf("SC_PAGE_SIZE"), 0)


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
