"""Give thousands of damaged inputs to the functions that the assets call, each input beside good ones.

`python -m legosigns_dagster_tests.benchmarks.fuzz` tries six sorts, each in a process of its own. It fails if an error
gets out of an item, if anything good beside it is lost, if an item takes too long, or if one takes too much memory.
Each item is made from the seed, its sort and its number alone: `--sort images --item 17` repeats one and shows its
error.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from legosigns_dagster_tests.benchmarks.fuzz.items import SORTS, measure_item, silence, try_item
from legosigns_dagster_tests.benchmarks.fuzz.outcome import Outcome

LONGEST_S = 120.0  # for one item; 56 megapixels, which are coded again and looked at three times, take 30
MOST_MIB = 1536  # of a pod of 2 GiB
COLUMNS = (("refused", 9), ("used", 7), ("escaped", 9), ("lost", 6))


@dataclass
class Tally:
    """What became of the inputs of a sort.

    Attributes:
        sort: The sort.
        counts: How many there are of each result.
        offenders: What must not be, with the item's number.
        slowest: The longest time of an item, in seconds, and its number.
        peak_mib: The largest resident set of the process.
    """

    sort: str
    counts: Counter[str] = field(default_factory=Counter)
    offenders: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    peak_mib: float = 0.0

    def add(self, number: int, outcome: Outcome, seconds: float, peak_mib: float) -> None:
        """Add one input's outcome. The peak is the process's, which never falls."""
        if peak_mib > MOST_MIB >= self.peak_mib:
            outcome = Outcome("escaped", f"took {peak_mib:.0f} MiB of memory, allowed {MOST_MIB}")
        self.counts[outcome.result] += 1
        self.slowest = max(self.slowest, (seconds, number))
        self.peak_mib = max(self.peak_mib, peak_mib)
        if outcome.result in ("escaped", "lost"):
            self.offenders.append(f"item {number}: {outcome.result}: {outcome.detail[:300]}")

    def row(self) -> str:
        """Write the sort's row of the table."""
        figures = "".join(f"{self.counts[name]:{width}}" for name, width in COLUMNS)
        slowest = f"{self.slowest[0]:.1f} s, item {self.slowest[1]}"
        return f"{self.sort:14}{self.counts.total():8}{figures}{slowest:>19}{self.peak_mib:10.0f}"


def start_worker() -> Any:
    """Start a process that tries one item after the other."""
    return multiprocessing.get_context("spawn").Pool(1, silence)


def try_sort(sort: str, seed: int, count: int, seconds: float) -> Tally:
    """Try inputs of a sort until there are `count`, or the time is up. A process that does not answer is ended."""
    tally, until, worker = Tally(sort), time.monotonic() + seconds, start_worker()
    for number in range(count):
        if time.monotonic() > until:
            break
        try:
            result = worker.apply_async(measure_item, (sort, seed, number)).get(LONGEST_S)
        except multiprocessing.TimeoutError:
            result = Outcome("escaped", f"no answer within {LONGEST_S:.0f} s"), LONGEST_S, tally.peak_mib
            worker.terminate()
            worker = start_worker()
        tally.add(number, *result)
    worker.terminate()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="inputs of all sorts together")
    parser.add_argument("--seconds", type=float, default=3600, help="longest time for all sorts together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="how many sorts at once")
    parser.add_argument("--sort", choices=list(SORTS), help="only this sort")
    parser.add_argument("--item", type=int, help="only the item of this number, here and with its error")
    options = parser.parse_args()
    sorts = [options.sort] if options.sort else list(SORTS)
    seconds = options.seconds * min(options.workers, len(sorts)) / len(sorts)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.workers) as pool:
        os.environ["FUZZ_FOLDER"] = folder
        if options.item is not None:
            print(try_item(sorts[0], options.seed, options.item))
            return
        print(
            f"{'sort':14}{'inputs':>8}{'refused':>9}{'used':>7}{'escaped':>9}{'lost':>6}{'slowest':>19}{'peak MiB':>10}"
        )
        counts = [options.count // len(sorts) + (n < options.count % len(sorts)) for n in range(len(sorts))]
        tallies = []
        for tally in pool.map(lambda sort, count: try_sort(sort, options.seed, count, seconds), sorts, counts):
            print(tally.row(), flush=True)
            tallies.append(tally)
    for tally in tallies:
        for offender in tally.offenders:
            print(f"--sort '{tally.sort}' --seed {options.seed} {offender}")
    sys.exit(any(tally.offenders for tally in tallies))


if __name__ == "__main__":
    main()
