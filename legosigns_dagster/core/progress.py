"""Long work says how far it is: done, rate and time left, a line every few seconds."""

import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Log(Protocol):
    """Where long work tells how it goes. Dagster's `context.log` and a `logging.Logger` fit it as they are."""

    def info(self, message: str, /) -> None:
        """Tell how far the work is."""

    def warning(self, message: str, /) -> None:
        """Tell what somebody should look at, though the work goes on."""


def format_duration(seconds: float) -> str:
    """Seconds as `m:ss`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def track_progress(items: Iterable[Item], total: int, what: str, log: Log, every_s: float = 3.0) -> Iterator[Item]:
    """The same items; logs `what`, how many of `total`, items a second and time left, and once at the end."""
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
