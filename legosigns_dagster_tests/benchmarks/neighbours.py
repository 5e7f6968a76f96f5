"""Speed beside other busy processes: `python -m legosigns_dagster_tests.benchmarks.neighbours`.

Training steps, evaluation and synthesis beside 0, 1, 2 and 4 neighbours that each keep one core busy, with threads
that wait as the project has it (busily, but asleep beside load), as OpenMP has it (busily), always asleep, and with one
thread, which waits for nobody. All take turns, one after another in each round, so that other load on the machine meets
all of them; each figure is the median of the rounds. In brackets is the ratio to the fair share: with n neighbours on c
cores, c / (c + n) of the speed that OpenMP's busy threads reach without any.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from legosigns_dagster.core.busy_waiting import no_busy_waiting_beside_load
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.synthesis.backgrounds import read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import read_cutouts
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.detectors.ultralytics.detector import library
from legosigns_dagster.sample import FOLDER
from legosigns_dagster_tests.support.logs import SILENT

NEIGHBOURS = (0, 1, 2, 4)
BUSY = "while True: pass"
BATCH, IMAGE_SIZE = 4, 256
WARM_UP = 1.5  # seconds at the beginning of each turn: the load is seen after half a second
FASTEST_ALONE = "busy"
SETTINGS = {
    "busy, asleep beside load": {},
    FASTEST_ALONE: {"GOMP_SPINCOUNT": "300000"},  # what OpenMP does where nothing is set
    "asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


def training_step() -> Callable[[], object]:
    """Make a function that is one training step of the sample's base weights."""
    with library() as ultralytics:
        import torch

        torch.set_num_threads(usable_cores(os.environ))
        network = ultralytics.YOLO(FOLDER / "base.pt").model.float().train().to(memory_format=torch.channels_last)
        for parameter in network.parameters():
            parameter.requires_grad = True
        optimizer = torch.optim.AdamW(network.parameters(), 1e-6)
        images = torch.rand(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        loss = sum(tensor.square().mean() for tensor in network(images).values() if hasattr(tensor, "square"))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def evaluation_step() -> Callable[[], object]:
    """Make a function that detects in one batch."""
    with library() as ultralytics:
        import torch

        torch.set_num_threads(usable_cores(os.environ))
        network = ultralytics.YOLO(FOLDER / "base.pt").model.float().eval()
        images = torch.rand(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)

    def step() -> None:
        with torch.inference_mode():
            network(images)

    return step


def synthesis_step() -> Callable[[], object]:
    """Make a function that makes eight synthetic images."""
    classes, work = SignClasses(("SpeedLimit", "DangerAhead")), Path(tempfile.mkdtemp())
    for name in ("cutouts", "backgrounds", "annotated"):
        (work / name).mkdir()
    cutouts = read_cutouts(FOLDER / "sign-cutouts", classes, work / "cutouts", SILENT)
    scenes = read_backgrounds(FOLDER / "backgrounds", lambda f: [False] * len(f), work / "backgrounds", SILENT)
    annotated = read_yolo(FOLDER / "classical-signs", classes, work / "annotated", "classical", SILENT)

    def step() -> None:
        with tempfile.TemporaryDirectory() as into:
            make_synthetic_set(SynthesisSettings(images=8), cutouts, scenes, annotated, Path(into), SILENT)

    return step


WORK = {"training": training_step, "evaluation": evaluation_step, "synthesis": synthesis_step}


def serve(work: str) -> None:
    """Work for as many seconds as each line of the input says, and print the steps per second."""
    step = WORK[work]()
    step()
    print("ready", flush=True)
    for line in sys.stdin:
        with no_busy_waiting_beside_load(os.environ):
            count_steps(step, WARM_UP)
            print(count_steps(step, float(line)), flush=True)


def count_steps(step: Callable[[], object], seconds: float) -> float:
    """Work for so long, and return the steps per second."""
    began, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        step()
        steps += 1
    return steps / passed


@contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    """Keep this many cores busy."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def start_worker(work: str, settings: dict[str, str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    """Start a process that works in turns, and wait until it is ready."""
    command = [sys.executable, "-W", "ignore", "-m", "legosigns_dagster_tests.benchmarks.neighbours", "--serve", work]
    worker = subprocess.Popen(command, env=environment | settings, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)  # fmt: skip
    assert worker.stdout
    while worker.stdout.readline() != "ready\n":
        assert worker.poll() is None
    return worker


def take_turn(worker: "subprocess.Popen[str]", seconds: float) -> float:
    """Let a process work, and return its steps per second."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{seconds}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def measure(work: str, rounds: int, seconds: float, environment: dict[str, str]) -> None:
    """Measure one kind of work with all settings, and print a row for each."""
    workers = {name: start_worker(work, settings, environment) for name, settings in SETTINGS.items()}
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for count in NEIGHBOURS:
            with busy_neighbours(count):
                for name, worker in workers.items():
                    rates.setdefault((name, count), []).append(take_turn(worker, seconds))
    cores, alone = usable_cores(), statistics.median(rates[FASTEST_ALONE, 0])
    for name in workers:
        cells = []
        for count in NEIGHBOURS:
            rate = statistics.median(rates[name, count])
            cells.append(f"{rate:7.2f} ({rate / alone / min(1, cores / (cores + count)):4.2f})")
        print(f"{work:11} {name:24} {' '.join(cells)}", flush=True)
    for worker in workers.values():
        worker.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MKL_"))}
    print(f"steps per second beside so many neighbours (ratio to the fair share), load {os.getloadavg()[0]:.1f}")
    print(f"{'work':11} {'threads that wait':24} {' '.join(f'{count:>14}' for count in NEIGHBOURS)}")
    for work in options.work:
        measure(work, options.rounds, options.seconds, environment)


if __name__ == "__main__":
    main()
