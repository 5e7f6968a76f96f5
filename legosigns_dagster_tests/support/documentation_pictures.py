"""The README's pictures: `python -m legosigns_dagster_tests.support.documentation_pictures COMPARISON.html`.

Draws the asset graph from the definitions, and photographs the top of a report with Chromium (Debian's package
`chromium`). Both become PNG files with few colours in docs/pictures.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from legosigns_dagster.definitions import defs
from legosigns_dagster_tests.support.environment import ROOT

PICTURES = ROOT / "docs" / "pictures"
GRAPH, REPORT = "asset-graph.png", "report.png"
REPORT_WH = (1400, 980)  # wide enough for both cards side by side, high enough for what to do next
# Column and row of each asset: columns by how far down the flow it is, rows so that lines cross little.
PLACES = {
    "base_weights": (0, 3.8), "raw_annotations": (1, 0), "sign_cutouts": (1, 1), "backgrounds": (1, 2),
    "classical_signs": (1, 3), "synthetic_set": (2, 1), "model_weights": (3, 1.5), "comparison_report": (4, 1.5),
    "release_candidate": (5, 2.4), "released_model": (6, 2.4),
}  # fmt: skip
COLORS = {"sources": "#e8eefb", "dataset": "#e4f5ea", "weights": "#fdf0dc", "report": "#f6e6f5", "release": "#e6f4f6"}
LINE = "#8a93a5"
BOX_WH, GAP = (0.72, 0.62), 0.24


def draw_graph(into: Path) -> None:
    """Draw the assets with their kinds, checks and dependencies; KeyError for one that has no place yet."""
    import matplotlib.patches as shapes
    from matplotlib.figure import Figure

    graph = defs.resolve_asset_graph()
    figure = Figure(figsize=(16.6, 4.6), dpi=100)
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.45, 6.45), ylim=(4.25, -0.45))
    axes.axis("off")
    width, height = BOX_WH
    for key in graph.toposorted_asset_keys:
        node, name = graph.get(key), key.to_user_string()
        column, row = PLACES[name]
        corner = (column - width / 2, row - height / 2)
        look: dict[str, Any] = {"fc": COLORS[node.group_name], "ec": LINE, "zorder": 2}
        axes.add_patch(shapes.FancyBboxPatch(corner, width, height, "round,pad=0.02", mutation_aspect=0.9, **look))
        axes.text(column, row - 0.12, name, ha="center", va="center", size=11, weight="bold", zorder=3)
        checks = len(graph.get_check_keys_for_assets({key}))
        below = ", ".join(sorted(node.kinds)) + (f" · {checks} checks" if checks else "")
        axes.text(column, row + 0.14, below, ha="center", va="center", size=8.5, color="#4a5160", zorder=3)
        for parent in node.parent_keys:
            x, y = PLACES[parent.to_user_string()]
            path = curve((x + width / 2 + 0.02, y), (column - width / 2 - 0.03, row))
            axes.add_patch(
                shapes.FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=10, color=LINE, fill=False)
            )
    figure.savefig(into / GRAPH)


def curve(start: tuple[float, float], end: tuple[float, float]) -> Any:
    """A path that goes straight to the right, below or above what lies between, and turns just before its end."""
    from matplotlib.path import Path as Curve

    turn = (max(start[0], end[0] - GAP), start[1])
    middle = (turn[0] + end[0]) / 2
    return Curve([start, turn, (middle, start[1]), (middle, end[1]), end], [1, 2, 4, 4, 4])


def photograph(page: Path, into: Path) -> None:
    """Photograph the top of a page; SystemExit where there is no Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no Chromium found: apt-get install chromium")
    width, height = REPORT_WH
    with tempfile.TemporaryDirectory() as home:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={home}"]
        size = [f"--window-size={width},{height}", f"--screenshot={into / REPORT}"]
        command = [browser, *options, *size, page.absolute().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def shrink(picture: Path) -> None:
    """Write a PNG again with 128 colours, a third of its bytes."""
    with Image.open(picture) as image:
        image.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE).save(picture, optimize=True)


def main() -> None:
    """Make both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="the comparison.html of a run")
    parser.add_argument("--into", type=Path, default=PICTURES)
    given = parser.parse_args()
    if not given.report.is_file():
        parser.error(f"{given.report} is no file: `make demo` prints where its report is")
    given.into.mkdir(parents=True, exist_ok=True)
    draw_graph(given.into)
    photograph(given.report, given.into)
    for name in (GRAPH, REPORT):
        shrink(given.into / name)


if __name__ == "__main__":
    main()
