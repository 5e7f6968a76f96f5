"""How long a code location takes to load: `python -m legosigns_dagster_tests.benchmarks.startup`.

The best of five fresh interpreters each, beside Dagster alone and beside the naive way, importing the detector too.
"""

import subprocess
import sys
import time

RUNS = 5
WAYS = {
    "dagster alone": "import dagster",
    "legosigns_dagster.definitions": "import legosigns_dagster.definitions",
    "the same, with ultralytics": "import legosigns_dagster.definitions, ultralytics",
}
HEAVY = ["torch", "ultralytics", "label_studio_sdk", "cv2", "kubernetes"]


def best_of(code: str) -> float:
    """The least wall time in seconds that a fresh interpreter took for this code."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    ours = best_of(WAYS["legosigns_dagster.definitions"])
    print(f"{'import':32} {'seconds':>8} {'ratio':>6}")
    for name, code in WAYS.items():
        seconds = best_of(code)
        print(f"{name:32} {seconds:8.2f} {seconds / ours:6.2f}")
    code = f"import sys, legosigns_dagster.definitions as d; print([n for n in {HEAVY} if n in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    print(f"of {', '.join(HEAVY)} it loads: {loaded}")


if __name__ == "__main__":
    main()
