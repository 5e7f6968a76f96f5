"""The two families of signs in the sample: classical ones as on roads, and toy ones."""

from dataclasses import dataclass, replace

import numpy as np

from legosigns_dagster.core.synthesis.canvas import Canvas, Pixels
from legosigns_dagster.core.synthesis.compositing import RenderedScene, Sprite, render_scene
from legosigns_dagster.core.synthesis.plan import SamplingPool
from legosigns_dagster.core.synthesis.scene import Paste, Scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.sample import faces
from legosigns_dagster.sample.scenery import SIZE_WH

NAMES = ("SpeedLimit", "DangerAhead")


@dataclass(frozen=True)
class Style:
    """A family of signs.

    Attributes:
        sprites: The signs, distractors among them.
        settings: How they are pasted.
        relative_sizes: Sizes of their faces: square roots of their shares of the image's area, 0 to 1.
    """

    sprites: tuple[Sprite, ...]
    settings: SynthesisSettings
    relative_sizes: tuple[float, ...]

    def sampling_pool(self) -> SamplingPool:
        """What a plan may choose from, with one background."""
        class_ids = [sprite.class_id for sprite in self.sprites]
        return SamplingPool(
            cutouts_by_class=tuple(tuple(n for n, i in enumerate(class_ids) if i == c) for c in range(len(NAMES))),
            distractors=tuple(number for number, class_id in enumerate(class_ids) if class_id < 0),
            background_count=1,
            annotated_count=0,
            relative_sizes=self.relative_sizes,
            image_wh=SIZE_WH,
        )

    def render(self, scene: Scene, background: Pixels) -> RenderedScene:
        """Render a scene without the distractors that the synthesis draws itself."""
        with_sprites = replace(scene, pastes=tuple(paste for paste in scene.pastes if not paste.kind))
        return render_scene(with_sprites, Canvas(background), self.sprite_for, SIZE_WH, self.settings.min_visible)

    def sprite_for(self, paste: Paste) -> Sprite:
        """The sprite of a paste."""
        return self.sprites[paste.cutout]


def geometric_sizes(low: float, high: float) -> tuple[float, ...]:
    """30 relative sizes from `low` to `high`, each larger than the one before by the same factor."""
    return tuple(float(size) for size in np.geomspace(low, high, 30))


def classical_style() -> Style:
    """Signs as on roads: thick red edges on white, grey poles."""
    speeds = [faces.disc("#c4161c", 26, text) for text in ("30", "50", "60", "70", "80", "100", "120")]
    symbols = ("!", "bend", "walk", "works", "bump", "cross")
    dangers = [faces.triangle("#c4161c", "#c4161c", "white", symbol, 16, 0) for symbol in symbols]
    others = [faces.plate("#0b57a4", "P"), faces.diamond("#f2c200"), faces.octagon("#c4161c", "STOP")]
    signs = [(face, 0) for face in speeds] + [(face, 1) for face in dangers] + [(face, -1) for face in others]
    sprites = tuple(Sprite(*faces.draw_sign(face, "#8d9196", 12, 0), class_id) for face, class_id in signs)
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
    return Style(sprites, settings, geometric_sizes(0.07, 0.34))


# File name of each toy sign's cut-out, with its face and its class id: -1 for a distractor.
LEGO_FACES = {
    "30-lego.png": (faces.limit_plate("30"), 0),
    "50-lego.png": (faces.limit_plate("50"), 0),
    "90-lego.png": (faces.limit_plate("90"), 0),
    "children-lego.png": (faces.warning_diamond("walk"), 1),
    "works-lego.png": (faces.warning_diamond("works"), 1),
    "bend-lego.png": (faces.warning_diamond("bend"), 1),
    "distractors/stop-lego.png": (faces.octagon("#d01f2a", "STOP"), -1),
    "distractors/no-entry-lego.png": (faces.no_entry("#d01f2a"), -1),
    "distractors/parking-lego.png": (faces.plate("#1767c0", "P"), -1),
}


def lego_style() -> Style:
    """Toy signs: an American set, unlike the signs on the roads here; black poles with a foot as wide as the face."""
    signs = (Sprite(*faces.draw_sign(face, "#161618", 14, 120), class_id) for face, class_id in LEGO_FACES.values())
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
    return Style(tuple(signs), settings, geometric_sizes(0.06, 0.26))
