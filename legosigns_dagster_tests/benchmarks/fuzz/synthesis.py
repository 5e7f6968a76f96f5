"""Damaged cut-outs, backgrounds and videos, read as `sign_cutouts` and `backgrounds` read them."""

import json
import os
import random
import shutil
from pathlib import Path

import cv2
import numpy as np

from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster.core.synthesis.generate import read_rgba
from legosigns_dagster_tests.benchmarks.fuzz.damage import NAMES, damage_bytes, damage_json, damage_text
from legosigns_dagster_tests.benchmarks.fuzz.outcome import Outcome, judge, judge_error, place_oddity
from legosigns_dagster_tests.benchmarks.fuzz.pictures import damage_picture, write_cutout
from legosigns_dagster_tests.support.builders import CLASSES, pixels, write_image
from legosigns_dagster_tests.support.logs import SILENT

VIDEOS = (("avi", "MJPG"), ("mp4", "mp4v"), ("webm", "VP80"))
FRAMES = 8


def write_templates(folder: Path) -> None:
    """Write what every input is made from: good cut-outs and backgrounds, and a video of each kind."""
    for number in range(3):
        write_cutout(folder / f"cutouts/good{number}.png", number)
        write_image(folder / f"backgrounds/good{number}.jpg", number)
    for ending, codec in VIDEOS:
        (folder / "videos").mkdir(exist_ok=True)
        writer = cv2.VideoWriter(str(folder / f"videos/v.{ending}"), cv2.VideoWriter.fourcc(*codec), 10, (96, 72))
        for number in range(FRAMES):
            writer.write(np.asarray(pixels(number, (96, 72))))
        writer.release()


def label_cutouts(*names: str) -> dict[str, object]:
    """Make the content of a `labels.json` that gives the first class to each of these files."""
    faces = {name: {"path": name, "bbox_w": 50, "bbox_h": 50} for name in names}
    return {"SpeedLimit": {"label_id": 0, "children": faces}, "DangerAhead": {"label_id": 1, "children": {}}}


def try_cutout(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """A damaged cut-out or `labels.json`, or a damaged background or video."""
    if chance.random() < 0.5:
        return try_background(chance, folder, shared)
    given = folder / "given"
    shutil.copytree(shared / "cutouts", given, copy_function=os.link)
    good = [f"good{number}.png" for number in range(3)]
    ending, content = damage_picture(chance)
    bad = f"bad.{ending if chance.random() < 0.5 else 'png'}"
    if chance.random() < 0.5:
        content = damage_bytes(write_cutout(folder / "cutout.png", chance.randrange(10**6)).read_bytes(), chance)
    (given / bad).write_bytes(content)
    labels = label_cutouts(*good, bad)
    is_json = chance.random() < 0.3
    text = (damage_json(labels, chance).encode("utf-8", "surrogatepass") if chance.random() < 0.7
            else damage_text(json.dumps(labels), chance)) if is_json else json.dumps(labels).encode()  # fmt: skip
    (given / "labels.json").write_bytes(text)
    (folder / "into").mkdir()
    try:
        cutouts = read_cutouts(given, CLASSES, folder / "into", SILENT)
    except Exception as error:
        if not is_json:
            raise
        return judge_error(error, str(given))
    cutouts = CutoutSet.load(cutouts.save())
    used = {one.file.name: read_rgba(one.file) for one in cutouts}
    read_rgba.cache_clear()
    warned = " ".join(f"{row.file} {row.detail}" for row in cutouts.warnings.itertuples())
    lost = [name for name in good if name not in used and not (is_json and name in warned)]
    return judge(lost, bad in used, [warned] if bad in warned else [])


def try_background(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """A damaged image or video beside good backgrounds."""
    given = folder / "given"
    shutil.copytree(shared / "backgrounds", given, copy_function=os.link)
    name = f"bad{chance.choice(NAMES)}" if chance.random() < 0.3 else "bad"
    name = name.encode("utf-8", "surrogateescape")[:230].decode("utf-8", "surrogateescape")
    way = chance.random()
    if way < 0.05:
        place_oddity(given / f"{name}.jpg", chance)
    elif way < 0.5:
        ending, content = damage_picture(chance)
        (given / f"{name}.{ending}").write_bytes(content)
    else:
        ending = chance.choice(VIDEOS)[0]
        content = damage_bytes((shared / f"videos/v.{ending}").read_bytes(), chance)
        (given / f"{name}.{ending}").write_bytes(content)
    (folder / "into").mkdir()
    usable = read_backgrounds(given, lambda files: [False] * len(files), folder / "into", SILENT)
    usable = Backgrounds.load(usable.save())
    files = [str(file) for file in usable.images["file"]]
    for file in files:
        open_opaque(usable.folder / file)
    lost = [f"good{number}" for number in range(3) if not any(f"/good{number}-" in file for file in files)]
    named = [f"{row.file}: {row.reason}" for row in usable.left_out.itertuples() if row.file.startswith("bad")]
    return judge(lost, len(files) > 3, named)
