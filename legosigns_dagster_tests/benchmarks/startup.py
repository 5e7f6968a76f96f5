"""Time to load the code location: `python -m legosigns_dagster_tests.benchmarks.startup`.

It is compared with Dagster alone, and with the detector's library imported too. Each is the best of five fresh
interpreters.
"""

import subprocess
import sys
import time

RUNS = 5
IMPORTS = {
    "dagster alone": "import dagster",
    "legosigns_dagster.definitions": "import legosigns_dagster.definitions",
    "the same, with ultralytics": "import legosigns_dagster.definitions, ultralytics",
}
HEAVY = ["torch", "ultralytics", "label_studio_sdk", "cv2", "kubernetes"]


def measure_best(code: str) -> float:
    """Run this code in fresh interpreters, and return the shortest wall time in seconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    own_seconds = measure_best(IMPORTS["legosigns_dagster.definitions"])
    print(f"{'import':32} {'seconds':>8} {'ratio':>6}")
    for name, code in IMPORTS.items():
        seconds = measure_best(code)
        print(f"{name:32} {seconds:8.2f} {seconds / own_seconds:6.2f}")
    code = f"import sys, legosigns_dagster.definitions as d; print([n for n in {HEAVY} if n in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    print(f"heavy libraries, of {', '.join(HEAVY)}, that it loads: {loaded}")


if __name__ == "__main__":
    main()
