"""Sheets of what synthetic images are made from: cut-outs with their faces, and backgrounds."""

from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.palette import DISTRACTOR, class_color
from legosigns_dagster.core.pictures.gallery import BoxOverlay, compose_sheet, draw_boxes, evenly_spaced
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import Cutout, CutoutSet


def cutouts_sheet(cutouts: CutoutSet, count: int, width_px: int, columns: int = 8) -> bytes:
    """Draw up to `count` cut-outs on one sheet, evenly spaced, each with the box and the class of its face.

    Returns:
        A JPEG, as `compose_sheet` makes it.
    """
    chosen = evenly_spaced(list(cutouts), count)
    tiles = [draw_boxes(open_opaque(one.file), [face_overlay(one, cutouts)], width_px // columns) for one in chosen]
    return compose_sheet(tiles, width_px, columns)


def face_overlay(cutout: Cutout, cutouts: CutoutSet) -> BoxOverlay:
    """The box of a cut-out's face, coloured by class, with the class; grey for a distractor."""
    if not cutout.class_name:
        return BoxOverlay(DISTRACTOR, cutout.face, "distractor")
    return BoxOverlay(class_color(cutouts.classes.class_id(cutout.class_name)), cutout.face, cutout.class_name)


def backgrounds_sheet(backgrounds: Backgrounds, count: int, width_px: int, columns: int = 4) -> bytes:
    """Draw up to `count` backgrounds on one sheet, evenly spaced.

    Returns:
        A JPEG, as `compose_sheet` makes it.
    """
    chosen = evenly_spaced(list(backgrounds.images["file"]), count)
    tiles = [draw_boxes(open_opaque(backgrounds.folder / file), [], width_px // columns) for file in chosen]
    return compose_sheet(tiles, width_px, columns)
