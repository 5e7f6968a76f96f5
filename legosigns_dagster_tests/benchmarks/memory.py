"""Peak memory of each step, in its own process, for a few images and for ten times as many.

`python -m legosigns_dagster_tests.benchmarks.memory` draws annotated images of 640x480 px and takes everything else
from the sample. With `--given` it takes what the environment names. The peak is the process's largest resident set: the
interpreter needs about 120 MiB of it, and importing torch about 500 (its CUDA libraries).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from legosigns_dagster_tests.support.builders import annotation, region, task, write_export, write_image

STEPS = ["base_weights", "classical_signs", "sign_cutouts", "backgrounds", "raw_annotations", "synthetic_set",
         "model_weights", "comparison_report"]  # fmt: skip
FEW, MANY = 46, 460
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def write_annotated_images(folder: Path, count: int) -> dict[str, str]:
    """Write this many annotated images with three boxes each, and return the variables that name them."""
    tasks = []
    for number in range(count):
        write_image(folder / "images" / f"{number}.jpg", number, (640, 480))
        names = ["SpeedLimit", "DangerAhead", "SpeedLimit"]
        regions = [region(x, 30, 20, 30, original_width=640, original_height=480, value={"rectanglelabels": [name]})
                   for x, name in zip((5, 35, 65), names, strict=True)]  # fmt: skip
        tasks.append(task(f"{number}.jpg", annotation(*regions, id=number + 1), id=number + 1))
    export = write_export(folder / "export.json", *tasks)
    return {"LABEL_STUDIO_EXPORT": str(export), "LABEL_STUDIO_IMAGES": str(folder / "images")}


def measure_step(step: str, config: dict[str, object], environment: dict[str, str]) -> tuple[float, float]:
    """Run one step, and return its peak resident memory in MiB and its wall time in seconds."""
    dagster = str(Path(sys.executable).parent / "dagster")
    command = [dagster, "asset", "materialize", "-m", "legosigns_dagster.definitions", "--select", step]
    command += ["--config-json", json.dumps({"ops": {step: {"config": config}}})] if config else []
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", MEASURE, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return int(done.stderr.splitlines()[-1]) / 1024, time.monotonic() - start


def measure(variables: dict[str, str], folder: Path, synthetic: int) -> dict[str, tuple[float, float]]:
    """Run all steps one after another on a new store, and return the peak and the wall time of each."""
    environment = os.environ | variables | {"PYTHONWARNINGS": "ignore", "DAGSTER_HOME": str(folder)}
    environment["LEGOSIGNS_STORE"] = str(folder / "store")
    configs: dict[str, dict[str, object]] = {
        "synthetic_set": {"images": synthetic},
        "model_weights": {"epochs": 1, "lego_repeats": 1, "replay": 0.1},
    }
    results = {}
    for step in STEPS:
        results[step] = measure_step(step, configs.get(step, {}), environment)
        print(f"  {step}: {results[step][0]:.0f} MiB, {results[step][1]:.0f} s", file=sys.stderr, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--given", action="store_true", help="measure what the environment names, and only that")
    if parser.parse_args().given:
        with tempfile.TemporaryDirectory() as folder:
            results = measure({}, Path(folder), 120)
        print(f"{'step':18} {'peak MiB':>9} {'seconds':>8}")
        for step, (peak, seconds) in results.items():
            print(f"{step:18} {peak:9.0f} {seconds:8.1f}")
        return
    columns = []
    for count in (FEW, MANY):
        with tempfile.TemporaryDirectory() as folder:
            variables = write_annotated_images(Path(folder) / "annotated", count)
            columns.append(measure(variables, Path(folder), count))
    print(f"{'step':18} {f'{FEW} images':>12} {f'{MANY} images':>12} {'ratio':>6}   (peak MiB)")
    for step in STEPS:
        few, many = (column[step][0] for column in columns)
        print(f"{step:18} {few:12.0f} {many:12.0f} {many / few:6.2f}")


if __name__ == "__main__":
    main()
