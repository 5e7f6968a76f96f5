"""The limits of this process's control groups (cgroups), of both versions, with those of all groups above."""

from collections.abc import Iterator
from pathlib import Path

SYSTEM = Path("/")
NO_MEMORY_LIMIT = 2**60  # version 1 writes a number near the largest that there is


def cpu_quotas(root: Path = SYSTEM) -> Iterator[float]:
    """Give each quota of CPU time that holds, in CPUs."""
    for folder in group_folders(root, "cpu"):
        quota, _, period = read_text(folder / "cpu.max").partition(" ")
        for limit, length in ((quota, period), (read_text(folder / "cpu.cfs_quota_us"), "")):
            span = length or read_text(folder / "cpu.cfs_period_us")
            if limit.isdecimal() and span.isdecimal() and int(span):  # not "max", not -1
                yield int(limit) / int(span)


def memory_limits(root: Path = SYSTEM) -> Iterator[int]:
    """Give each limit of memory that holds, in bytes. Above `memory.high` a process is slowed down until it stands."""
    for folder in group_folders(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            text = read_text(folder / name)
            if text.isdecimal() and int(text) < NO_MEMORY_LIMIT:
                yield int(text)


def group_folders(root: Path, controller: str) -> Iterator[Path]:
    """Give the folders in which the limits of a controller stand: the process's own group, then those above it."""
    groups = own_groups(root)
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        place, described = before.split(), after.split()
        if len(place) < 5 or len(described) < 3:
            continue
        kind, options = described[0], described[2].split(",")
        if kind == "cgroup2" and "" in groups:
            yield from folders_upwards(root, place[4], place[3], groups[""])
        elif kind == "cgroup" and controller in options and controller in groups:
            yield from folders_upwards(root, place[4], place[3], groups[controller])


def own_groups(root: Path) -> dict[str, str]:
    """Read the path of the process's group for each controller of version 1, and under "" the one of version 2."""
    groups: dict[str, str] = {}
    for line in read_text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        groups |= dict.fromkeys(controllers.split(","), path)
    return groups


def folders_upwards(root: Path, mount: str, mounted: str, group: str) -> Iterator[Path]:
    """Give the folder of a group and those above it, up to where the hierarchy is mounted.

    Args:
        root: The root of the file system.
        mount: Where the hierarchy is mounted.
        mounted: The group that is mounted there: in a container its own, not the root of the hierarchy.
        group: The process's group, from the root of the hierarchy.
    """
    top = root / mount.lstrip("/")
    inside = group.removeprefix(mounted.rstrip("/")).strip("/")
    parts = [] if ".." in inside else inside.split("/")  # a group outside of what this container sees
    for count in range(len(parts), -1, -1):
        yield top.joinpath(*parts[:count])


def read_text(file: Path) -> str:
    """Read a small file. Empty: there is none, or it may not be read."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
