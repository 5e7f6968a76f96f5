"""Do the tests notice a change? `python -m legosigns_dagster_tests.benchmarks.mutation --sample 100 --seed 0`.

It changes core and resources in one place at a time, by the operators of mutmut, and runs the tests that run this
place, in copies of the repository. What no fast test notices is shown to the tests of its room that load torch or start
a server. A change that makes the tests run for too long is noticed as well. Exits with 1 where too few are.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster_tests.benchmarks.mutation.choice import FAST, TestChoice, require_pass
from legosigns_dagster_tests.benchmarks.mutation.mutants import Mutant, draw_mutants
from legosigns_dagster_tests.benchmarks.mutation.working_copy import Outcome, WorkingCopy
from legosigns_dagster_tests.support.environment import ROOT

KILLED, TIMED_OUT, SURVIVED = "killed", "timed out", "survived"
OTHERS_LIMIT_S = 900.0
FIRST = 4  # test files: most changes are noticed by the nearest, and collecting all of them takes seconds


class Bench:
    """Copies of the repository, one for each core, and the tests that are run in them."""

    def __init__(self, folder: Path, copies: int) -> None:
        self._copies: SimpleQueue[WorkingCopy] = SimpleQueue()
        self._count = copies
        first, *others = [WorkingCopy(ROOT, folder / str(number)) for number in range(copies)]
        self._choice = TestChoice(first)
        for copy in (first, *others):
            self._copies.put(copy)

    def judge(self, mutants: list[Mutant]) -> dict[Mutant, str]:
        """Show each mutant to the fast tests, and the survivors to the others."""
        results = self._for_each(mutants, self._try_fast)
        left = [mutant for mutant, result in results.items() if result == SURVIVED]
        with_others = [mutant for mutant in left if self._choice.other_tests(mutant)]
        others = sorted({test for mutant in with_others for test in self._choice.other_tests(mutant)})
        require_pass(self._run(others, 3600) if others else Outcome(0, ""))
        return results | self._for_each(with_others, self._try_others)

    def _for_each(self, mutants: list[Mutant], work: Callable[[Mutant], str]) -> dict[Mutant, str]:
        with ThreadPoolExecutor(self._count) as pool:
            waiting = {pool.submit(work, mutant): mutant for mutant in mutants}
            return {waiting[done]: done.result() for done in as_completed(waiting)}

    def _try_fast(self, mutant: Mutant) -> str:
        tests = self._choice.fast_tests(mutant)
        if not tests:
            return note(mutant, SURVIVED, "no fast test")
        limit_s = 120 + 5 * sum(map(self._choice.seconds, tests))
        return self._try(mutant, [["-p", FAST, *batch] for batch in (tests[:FIRST], tests[FIRST:]) if batch], limit_s)

    def _try_others(self, mutant: Mutant) -> str:
        return self._try(mutant, [self._choice.other_tests(mutant)], OTHERS_LIMIT_S)

    def _try(self, mutant: Mutant, batches: list[list[str]], limit_s: float) -> str:
        for arguments in batches:
            outcome = self._run(["-x", *arguments], limit_s, mutant)
            if outcome.status is None:
                return note(mutant, TIMED_OUT, f"{limit_s:.0f} s")
            if not outcome.passed:
                return note(mutant, KILLED, outcome.first_failure)
        return note(mutant, SURVIVED)

    def _run(self, arguments: list[str], limit_s: float, mutant: Mutant | None = None) -> Outcome:
        copy = self._copies.get()
        try:
            if mutant is None:
                return copy.run_tests(arguments, limit_s)
            with copy.changed(mutant):
                return copy.run_tests(arguments, limit_s)
        finally:
            self._copies.put(copy)


def note(mutant: Mutant, result: str, why: str = "") -> str:
    """Print how one mutant ended."""
    print(f"{result:9} {mutant.file}:{mutant.line} {why}", flush=True)
    return result


def print_table(results: dict[Mutant, str], places: int) -> float:
    """Print how many were noticed, and those that were not.

    Returns:
        The share that was noticed, 0 to 1.
    """
    counts = Counter(results.values())
    share = 1 - counts[SURVIVED] / len(results)
    for mutant in sorted((m for m, result in results.items() if result == SURVIVED), key=lambda m: (m.file, m.line)):
        print(f"\nsurvived: {mutant.file}:{mutant.line}\n{mutant.diff}")
    print(f"\n{'places':>7} {'sample':>7} {KILLED:>7} {TIMED_OUT:>10} {SURVIVED:>9} {'noticed':>8}")
    print(f"{places:7} {len(results):7} {counts[KILLED]:7} {counts[TIMED_OUT]:10} {counts[SURVIVED]:9} {share:8.1%}")
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=0.9, help="share that must be noticed, 0 to 1")
    options = parser.parse_args()
    mutants, places = draw_mutants(ROOT, options.sample, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        results = Bench(Path(folder), usable_cores()).judge(mutants)
    if print_table(results, places) < options.least:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
