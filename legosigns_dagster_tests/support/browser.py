"""A browser for tests: Debian's Chromium, unpacked by `make test` or installed, driven by Playwright."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from legosigns_dagster_tests.support.environment import ROOT

UNPACKED = ROOT / ".chromium"
# PulseAudio's own library looks for a second one in this folder of the machine.
LIBRARIES = ("lib/*-linux-gnu", "usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/pulseaudio")
PLACES = (UNPACKED / "usr/lib/chromium/chromium", Path("/usr/lib/chromium/chromium"))
# What reaches beyond the right edge of the window, besides what can be scrolled by the keyboard.
CUT = """() => [...document.querySelectorAll('body *')]
    .filter(one => !one.parentElement.closest('.scroll, svg, thead') && !one.matches('thead'))
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map(one => one.outerHTML.slice(0, 80))"""


def program() -> Path:
    """Find Chromium.

    Raises:
        RuntimeError: There is none.
    """
    for place in PLACES:
        if place.is_file():
            return place
    raise RuntimeError(f"there is no Chromium at {PLACES[0]} or {PLACES[1]}: `make test` unpacks one")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the end of the block. It can open files and reaches no network."""
    environment: dict[str, str | float | bool] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    if libraries := [str(folder) for pattern in LIBRARIES for folder in UNPACKED.glob(pattern)]:
        environment["LD_LIBRARY_PATH"] = ":".join(libraries)
    if (fonts := UNPACKED / "etc/fonts").is_dir():
        environment["FONTCONFIG_PATH"] = str(fonts)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), env=environment, args=["--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()
