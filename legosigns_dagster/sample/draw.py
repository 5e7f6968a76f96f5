"""Draw the sample: `python -m legosigns_dagster.sample.draw [FOLDER]`. The same bytes every time."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Pixels
from legosigns_dagster.core.synthesis.compositing import RenderedScene
from legosigns_dagster.core.synthesis.masks import boxes_from_mask
from legosigns_dagster.core.synthesis.plan import plan_scene
from legosigns_dagster.core.synthesis.scene import Scene
from legosigns_dagster.sample import FOLDER
from legosigns_dagster.sample.export import add_hard_cases, export_tasks
from legosigns_dagster.sample.scenery import SIZE_WH, draw_road, draw_table
from legosigns_dagster.sample.styles import LEGO_FACES, NAMES, classical_style, lego_style

TRAIN_IMAGES, VAL_IMAGES = 180, 40
LEGO_SCENES = 22
ROADS, TABLES = 8, 12
JPEG_QUALITY = 82


def save(pixels: Pixels, file: Path) -> None:
    """Write a JPEG and the folder that it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, quality=JPEG_QUALITY)


def measure_boxes(rendered: RenderedScene) -> list[tuple[int, PixelBox]]:
    """Measure the box of each sign in an image, in pixels, with its class id."""
    boxes = boxes_from_mask(rendered.instance_mask, len(rendered.class_ids))
    return list(zip(rendered.class_ids, boxes, strict=True))


def draw_classical(into: Path) -> None:
    """Draw the set that the base weights learn from, as a YOLO folder."""
    style = classical_style()
    pool = style.sampling_pool()
    for number in range(TRAIN_IMAGES + VAL_IMAGES):
        split = "train" if number < TRAIN_IMAGES else "val"
        background = draw_road(np.random.default_rng([1, number]))
        rendered = style.render(plan_scene(style.settings, pool, number), background)
        save(rendered.rgb, into / "images" / split / f"road-{number:03d}.jpg")
        units = [(class_id, box.to_unit(SIZE_WH)) for class_id, box in measure_boxes(rendered)]
        lines = [f"{c} {u.x_center:.6f} {u.y_center:.6f} {u.width:.6f} {u.height:.6f}\n" for c, u in units]
        label = into / "labels" / split / f"road-{number:03d}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(lines), encoding="utf-8")
    content = {"path": ".", "train": "images/train", "val": "images/val", "names": dict(enumerate(NAMES))}
    (into / "data.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def make_burst(scene: Scene, count: int) -> list[Scene]:
    """Repeat a scene as a camera takes it in a burst: a little moved, with other noise and exposure."""
    burst = []
    for number in range(count):
        rng = np.random.default_rng([11, scene.number, number])
        dx, dy = rng.uniform(-3, 3, 2)
        pastes = tuple(replace(p, center=(p.center[0] + dx, p.center[1] + dy)) for p in scene.pastes)
        camera = replace(
            scene.camera,
            gain=scene.camera.gain * rng.uniform(0.93, 1.07),
            noise_seed=scene.camera.noise_seed + number + 1,
        )
        burst.append(replace(scene, pastes=pastes, camera=camera))
    return burst


def draw_lego(into: Path) -> None:
    """Draw the annotated images and write their Label Studio export, with the cases that make reading one hard."""
    style = lego_style()
    pool = style.sampling_pool()
    images: list[tuple[str, Sequence[tuple[str, PixelBox]]]] = []
    for number in range(LEGO_SCENES):
        background = draw_table(np.random.default_rng([2, number]))
        for index, scene in enumerate(make_burst(plan_scene(style.settings, pool, number), 2 + number % 2)):
            rendered = style.render(scene, background)
            name = f"scene{number:02d}_{index}.jpg"
            save(rendered.rgb, into / "images" / name)
            images.append((name, [(NAMES[class_id], box) for class_id, box in measure_boxes(rendered)]))
    save(draw_table(np.random.default_rng([2, 99])), into / "images" / "no-sign.jpg")
    export = add_hard_cases(export_tasks([*images, ("no-sign.jpg", [])]), into / "images")
    (into / "label-studio-export.json").write_text(json.dumps(export, indent=1), encoding="utf-8")


def draw_cutouts(into: Path) -> None:
    """Draw the cut-outs and write their labels.json."""
    children: dict[str, dict[str, dict[str, str]]] = {name: {} for name in NAMES}
    for (name, (_, class_id)), sprite in zip(LEGO_FACES.items(), lego_style().sprites, strict=True):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sprite.rgba).save(into / name, optimize=True)
        if class_id >= 0:
            size = {"bbox_w": f"{sprite.face.width:.0f}", "bbox_h": f"{sprite.face.height:.0f}"}
            children[NAMES[class_id]][Path(name).stem] = {"path": f"images/{name}"} | size
    labels = {name: {"label_id": number, "children": children[name]} for number, name in enumerate(NAMES)}
    (into / "labels.json").write_text(json.dumps(labels, indent=1), encoding="utf-8")


def draw_backgrounds(into: Path) -> None:
    """Draw roads and tables without a sign."""
    for number in range(ROADS):
        save(draw_road(np.random.default_rng([3, number])), into / f"road-{number:02d}.jpg")
    for number in range(TABLES):
        save(draw_table(np.random.default_rng([4, number])), into / f"table-{number:02d}.jpg")


def draw_all(into: Path) -> None:
    """Draw everything but the base weights, in place of what is there."""
    parts = {
        "classical-signs": draw_classical,
        "lego-signs": draw_lego,
        "sign-cutouts": draw_cutouts,
        "backgrounds": draw_backgrounds,
    }
    for name, draw in parts.items():
        shutil.rmtree(into / name, ignore_errors=True)
        draw(into / name)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
