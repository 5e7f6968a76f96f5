"""Draw the sample: `python -m legosigns_dagster.sample.draw [FOLDER]`. The same bytes every time."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Ground, Pixels
from legosigns_dagster.core.synthesis.compositing import Painted, Sprite, boxes_of, paint
from legosigns_dagster.core.synthesis.plan import Paste, Scene, Supply, plan_scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.sample import FOLDER
from legosigns_dagster.sample import faces as draw_faces
from legosigns_dagster.sample.export import export_of, with_hard_cases
from legosigns_dagster.sample.scenery import SIZE_WH, road, table

NAMES = ("SpeedLimit", "DangerAhead")
TRAIN_IMAGES, VAL_IMAGES = 180, 40
LEGO_SCENES = 22
ROADS, TABLES = 8, 12
QUALITY = 82


@dataclass(frozen=True)
class Style:
    """A family of signs: sprites, how they are pasted, and the sizes of their faces as shares of the image."""

    sprites: tuple[Sprite, ...]
    settings: SynthesisSettings
    sizes: tuple[float, ...]

    def supply(self) -> Supply:
        """What a plan may choose from, with one background."""
        by_class = tuple(tuple(n for n, s in enumerate(self.sprites) if s.class_id == c) for c in range(len(NAMES)))
        others = tuple(number for number, sprite in enumerate(self.sprites) if sprite.class_id < 0)
        return Supply(by_class, others, 1, 0, self.sizes, SIZE_WH)

    def painted(self, scene: Scene, background: Pixels) -> Painted:
        """The image of a scene; distractors that the synthesis would draw itself are left out."""
        own = replace(scene, pastes=tuple(paste for paste in scene.pastes if not paste.kind))
        return paint(own, Ground(background), self.sprite_of, SIZE_WH, self.settings.min_visible)

    def sprite_of(self, pasted: Paste) -> Sprite:
        """The sprite of a paste."""
        return self.sprites[pasted.cutout]


def spaced(low: float, high: float) -> tuple[float, ...]:
    """Sizes between two shares, evenly spaced by ratio."""
    return tuple(float(size) for size in np.geomspace(low, high, 30))


def classical() -> Style:
    """Signs as on roads: thick red edges on white, grey poles."""
    speeds = [draw_faces.disc("#c4161c", 26, text) for text in ("30", "50", "60", "70", "80", "100", "120")]
    dangers = [draw_faces.triangle("#c4161c", "#c4161c", "white", symbol, 16, 0)
               for symbol in ("!", "bend", "walk", "works", "bump", "cross")]  # fmt: skip
    others = [draw_faces.plate("#0b57a4", "P"), draw_faces.diamond("#f2c200"), draw_faces.octagon("#c4161c", "STOP")]
    drawn = [(face, 0) for face in speeds] + [(face, 1) for face in dangers] + [(face, -1) for face in others]
    sprites = tuple(Sprite(*draw_faces.sign(face, "#8d9196", 12, 0), class_id) for face, class_id in drawn)
    settings = SynthesisSettings(
        max_signs=3,
        tilt_degrees=6,
        perspective=0.08,
        blur=0.1,
        noise=5,
        min_visible=0.85,
        max_distractors=2,
        size_spread=0.2,
    )
    return Style(sprites, settings, spaced(0.07, 0.34))


LEGO_FACES = {
    "30-lego.png": (draw_faces.limit_plate("30"), 0),
    "50-lego.png": (draw_faces.limit_plate("50"), 0),
    "90-lego.png": (draw_faces.limit_plate("90"), 0),
    "children-lego.png": (draw_faces.warning_diamond("walk"), 1),
    "works-lego.png": (draw_faces.warning_diamond("works"), 1),
    "bend-lego.png": (draw_faces.warning_diamond("bend"), 1),
    "distractors/stop-lego.png": (draw_faces.octagon("#d01f2a", "STOP"), -1),
    "distractors/no-entry-lego.png": (draw_faces.barred("#d01f2a"), -1),
    "distractors/parking-lego.png": (draw_faces.plate("#1767c0", "P"), -1),
}


def lego() -> Style:
    """Toy signs: an American set, unlike those on the roads here; black poles with a foot as wide as the face."""
    signs = (Sprite(*draw_faces.sign(face, "#161618", 14, 120), class_id) for face, class_id in LEGO_FACES.values())
    settings = SynthesisSettings(
        seed=7,
        max_signs=4,
        tilt_degrees=15,
        perspective=0.15,
        blur=0.2,
        noise=6,
        min_visible=0.8,
        max_distractors=2,
        size_spread=0.2,
    )
    return Style(tuple(signs), settings, spaced(0.06, 0.26))


def save(pixels: Pixels, file: Path) -> None:
    """Write a JPEG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, quality=QUALITY)


def draw_classical(into: Path) -> None:
    """The set that the base weights learn from, as a YOLO folder."""
    style, supply = classical(), classical().supply()
    for number in range(TRAIN_IMAGES + VAL_IMAGES):
        split = "train" if number < TRAIN_IMAGES else "val"
        painted = style.painted(plan_scene(style.settings, supply, number), road(np.random.default_rng([1, number])))
        save(painted.rgb, into / "images" / split / f"road-{number:03d}.jpg")
        units = [box.to_unit(SIZE_WH) for box in boxes_of(painted.owners, len(painted.class_ids))]
        lines = [f"{c} {u.x_center:.6f} {u.y_center:.6f} {u.width:.6f} {u.height:.6f}\n"
                 for c, u in zip(painted.class_ids, units, strict=True)]  # fmt: skip
        label = into / "labels" / split / f"road-{number:03d}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(lines), encoding="utf-8")
    content = {"path": ".", "train": "images/train", "val": "images/val", "names": dict(enumerate(NAMES))}
    (into / "data.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def frames_of(scene: Scene, count: int) -> list[Scene]:
    """The same scene a few times, as a camera takes it in a burst: a little moved, with other noise."""
    frames = []
    for number in range(count):
        draw = np.random.default_rng([11, scene.number, number])
        dx, dy = draw.uniform(-3, 3, 2)
        pastes = tuple(replace(p, center=(p.center[0] + dx, p.center[1] + dy)) for p in scene.pastes)
        gain = scene.gain * draw.uniform(0.93, 1.07)
        frames.append(replace(scene, pastes=pastes, noise_seed=scene.noise_seed + number + 1, gain=gain))
    return frames


def draw_lego(into: Path) -> None:
    """The annotated images and their Label Studio export, with the cases that make reading one hard."""
    style, supply = lego(), lego().supply()
    labelled: list[tuple[str, Sequence[tuple[str, PixelBox]]]] = []
    for number in range(LEGO_SCENES):
        background = table(np.random.default_rng([2, number]))
        for frame, scene in enumerate(frames_of(plan_scene(style.settings, supply, number), 2 + number % 2)):
            painted = style.painted(scene, background)
            name = f"scene{number:02d}_{frame}.jpg"
            save(painted.rgb, into / "images" / name)
            boxes = boxes_of(painted.owners, len(painted.class_ids))
            labelled.append((name, [(NAMES[c], box) for c, box in zip(painted.class_ids, boxes, strict=True)]))
    save(table(np.random.default_rng([2, 99])), into / "images" / "no-sign.jpg")
    export = with_hard_cases(export_of([*labelled, ("no-sign.jpg", [])]), into / "images")
    (into / "label-studio-export.json").write_text(json.dumps(export, indent=1), encoding="utf-8")


def draw_cutouts(into: Path) -> None:
    """The cut-outs with their labels.json."""
    labels: dict[str, dict[str, object]] = {name: {"label_id": n, "children": {}} for n, name in enumerate(NAMES)}
    for (name, (_, class_id)), sprite in zip(LEGO_FACES.items(), lego().sprites, strict=True):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sprite.rgba).save(into / name, optimize=True)
        if class_id >= 0:
            children = labels[NAMES[class_id]]["children"]
            assert isinstance(children, dict)
            size = {"bbox_w": f"{sprite.face.width:.0f}", "bbox_h": f"{sprite.face.height:.0f}"}
            children[Path(name).stem] = {"path": f"images/{name}"} | size
    (into / "labels.json").write_text(json.dumps(labels, indent=1), encoding="utf-8")


def draw_backgrounds(into: Path) -> None:
    """Scenes without a sign, on roads and on tables."""
    for number in range(ROADS):
        save(road(np.random.default_rng([3, number])), into / f"road-{number:02d}.jpg")
    for number in range(TABLES):
        save(table(np.random.default_rng([4, number])), into / f"table-{number:02d}.jpg")


def draw_all(into: Path) -> None:
    """Everything but the base weights, replacing what is there."""
    parts = {"classical-signs": draw_classical, "lego-signs": draw_lego, "sign-cutouts": draw_cutouts,
             "backgrounds": draw_backgrounds}  # fmt: skip
    for name, draw in parts.items():
        shutil.rmtree(into / name, ignore_errors=True)
        draw(into / name)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
