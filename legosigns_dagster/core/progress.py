"""Long work reports its progress: how much is done, how fast, and the time left."""

import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Log(Protocol):
    """Where work reports to. Dagster's `context.log` and a `logging.Logger` fit as they are."""

    def info(self, message: str, /) -> None:
        """Report progress."""

    def warning(self, message: str, /) -> None:
        """Report what somebody should look at, though the work goes on."""


def format_duration(seconds: float) -> str:
    """Write seconds as minutes and seconds.

    Example:
        >>> format_duration(75.9)
        '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def track_progress(items: Iterable[Item], total: int, what: str, log: Log, every_s: float = 3.0) -> Iterator[Item]:
    """Yield the items and log a line every few seconds, and one at the end.

    Args:
        items: They are counted when the caller asks for the next one.
        total: How many items there will be.
        what: How a line begins, such as `images read`.
        log: Where the lines go.
        every_s: Seconds between two lines.
    """
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= every_s and done < total:
            last = now
            rate = done / (now - start)
            log.info(f"{what}: {done} of {total}, {rate:.1f}/s, {format_duration((total - done) / rate)} left")
    log.info(f"{what}: {done} in {format_duration(time.monotonic() - start)}")
