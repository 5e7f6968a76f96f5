"""The pictures that commands draw: their options, their files, and the desktop's viewer."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

MOST_IMAGES = 100  # on a sheet


def add_picture_options(parser: argparse.ArgumentParser, count: int) -> None:
    """Add the options that say how many images a picture has, where it is written, and whether it is opened."""
    text = f"images on one sheet, 1 to {MOST_IMAGES} (default: {count})"
    parser.add_argument("--count", type=int, default=count, help=text)
    parser.add_argument("--out", type=Path, help="the picture's file, .jpg or .png (default: a temporary one)")
    parser.add_argument("--no-open", action="store_true", help="do not open the picture, only print where it is")


def require_picture_options(options: argparse.Namespace) -> None:
    """Check the number of images and the name of the picture.

    Raises:
        ValueError: One cannot be used.
    """
    if not 1 <= options.count <= MOST_IMAGES:
        raise ValueError(f"--count is {options.count}, expected 1 to {MOST_IMAGES}")
    if options.out and options.out.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise ValueError(f"--out is {options.out}, expected a name that ends in .jpg or .png")


def save_picture(picture: Image.Image, options: argparse.Namespace, stem: str) -> Path:
    """Write a picture into the file that the options name, or into a temporary one of this stem, and open it."""
    file: Path = options.out or Path(tempfile.mkdtemp(prefix="legosigns-")) / f"{stem}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, quality=90)
    if not options.no_open and sys.stdout.isatty():
        open_viewer(file, os.environ)
    return file


def open_viewer(file: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes] | None":
    """Open a picture with the desktop's viewer, and give its process; None without a desktop or a viewer."""
    is_mac = sys.platform == "darwin"
    viewer = shutil.which("open" if is_mac else "xdg-open")
    if not viewer or not (is_mac or environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return None
    silent = subprocess.DEVNULL
    return subprocess.Popen([viewer, str(file)], stdin=silent, stdout=silent, stderr=silent)
