"""Painting what a plan says: nothing is drawn by chance here, and a box is measured on the pixels that were pasted."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Framing, Ground, Pixels, own_signs
from legosigns_dagster.core.synthesis.plan import Paste, Scene

Floats = npt.NDArray[np.float32]
SOLID = 0.5  # a pixel belongs to a sign when at least half of it does


@dataclass(frozen=True)
class Sprite:
    """A cut-out in memory: RGBA of shape (height, width, 4), its face in pixels, its class id (-1: a distractor)."""

    rgba: Pixels
    face: PixelBox
    class_id: int


@dataclass(frozen=True)
class Painted:
    """RGB of shape (height, width, 3); `owners` of shape (height, width) has k where face number k (from 1) shows."""

    rgb: Pixels
    owners: Pixels
    class_ids: tuple[int, ...]


def corners_of(paste: Paste, face: PixelBox) -> Floats:
    """Where the face's four corners come to lie, shape (4, 2), in pixels of the image, clockwise from the top left."""
    ratio = math.sqrt(face.width / face.height)
    half = np.array([paste.size_px * ratio, paste.size_px / ratio]) / 2
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    square[:, 0] *= math.cos(math.radians(paste.yaw_degrees))
    shifted = square + np.array(paste.corners).reshape(4, 2) * paste.size_px
    angle = math.radians(paste.turn_degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(shifted @ turn + np.array(paste.center), np.float32)


def laid(paste: Paste, sprite: Sprite, size_wh: tuple[int, int]) -> tuple[Floats, Floats, Floats, float]:
    """The sprite in the image's plane: RGB times alpha (0 to 255), alpha, face alpha (0 to 1), and the face's area.

    One homography moves all three. The area in pixels counts the part outside of the image too.
    """
    rgba, face = sprite.rgba, sprite.face
    shrink = min(1.0, 1.5 * paste.size_px / math.sqrt(face.area))
    size = (max(round(rgba.shape[1] * shrink), 1), max(round(rgba.shape[0] * shrink), 1))
    alpha = np.asarray(rgba[..., 3:] / np.float32(255), np.float32)
    inside = np.zeros(rgba.shape[:2], np.float32)
    rows, columns = slice(round(face.top), round(face.bottom)), slice(round(face.left), round(face.right))
    inside[rows, columns] = alpha[rows, columns, 0]
    scale = np.array([size[0] / rgba.shape[1], size[1] / rgba.shape[0]])
    box = [[face.left, face.top], [face.right, face.top], [face.right, face.bottom], [face.left, face.bottom]]
    target = corners_of(paste, face)
    # Corners are edges of pixels here and centres in OpenCV: half a pixel lies between the two.
    matrix = cv2.getPerspectiveTransform((np.array(box) * scale - 0.5).astype(np.float32), target - 0.5)

    def moved(layer: Floats) -> Floats:
        # Averaged down first: warping straight to a tenth of the size would pick single pixels.
        small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.warpPerspective(small, matrix, size_wh, flags=cv2.INTER_LINEAR), np.float32)

    color, solid = moved(np.asarray(rgba[..., :3] * alpha, np.float32)), moved(alpha)
    filled = float(inside.sum()) / face.area
    return color, solid, moved(inside), filled * abs(float(cv2.contourArea(target)))


def lit(color: Floats, alpha: Floats, paste: Paste, under: Floats) -> Floats:
    """The sprite's colours (times alpha) in the light of the place: matched in part, then gain, gamma and tint."""
    weight = max(float(alpha.sum()), 1.0)
    own = max(float(color.mean(axis=2).sum()) / weight, 1.0)
    around = float((under.mean(axis=2) * alpha).sum()) / weight
    matched = min(max((around / own) ** paste.match, 0.45), 1.3)
    plain = color / np.maximum(alpha, 1e-3)[..., None] * (matched * paste.gain)
    curved = 255 * (np.clip(plain, 0, 255) / 255) ** paste.gamma
    return np.asarray(np.clip(curved * np.array(paste.tint, np.float32), 0, 255), np.float32)


def blended(under: Floats, color: Floats, alpha: Floats, paste: Paste) -> Floats:
    """The image with the sprite in it, its edge as the plan says."""
    if paste.blending == "feathered":
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    mixed: Floats = under * (1 - alpha[..., None]) + color * alpha[..., None]
    if paste.blending == "blurred edge":
        soft = cv2.GaussianBlur(mixed, (0, 0), 1.0)
        # The gradient of alpha is large along the edge alone.
        edge = np.clip(np.abs(alpha - cv2.blur(alpha, (5, 5))) * 3, 0, 1)[..., None]
        mixed = mixed * (1 - edge) + soft * edge
    if paste.blending == "poisson":
        mixed = poisson(under, mixed, alpha)
    return mixed.astype(np.float32)


def poisson(under: Floats, mixed: Floats, alpha: Floats) -> Floats:
    """Half Poisson blending, half plain: all of it would wash the sign's colours out.

    Plain alone where the sprite touches the image's border, since OpenCV's solver needs a pixel around it.
    """
    solid = (alpha >= SOLID).astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(solid)
    if not width or left < 2 or top < 2 or left + width > solid.shape[1] - 2 or top + height > solid.shape[0] - 2:
        return mixed
    center = (left + width // 2, top + height // 2)
    cloned = cv2.seamlessClone(np.uint8(mixed), np.uint8(under), solid, center, cv2.NORMAL_CLONE)
    return np.asarray((mixed + cloned.astype(np.float32)) / 2, np.float32)


def paint(scene: Scene, ground: Ground, sprite_of: Callable[[Paste], Sprite], size_wh: tuple[int, int],
          min_visible: float) -> Painted:  # fmt: skip
    """The image of a scene. A sign that would show less than `min_visible` of a face, its own or another's, is left
    out altogether: a part of a sign without a label would teach the detector to overlook signs.
    """
    framing = Framing.of((ground.rgb.shape[1], ground.rgb.shape[0]), scene, size_wh)
    canvas = framing.pixels(ground.rgb, size_wh).astype(np.float32)
    owners, class_ids = own_signs(ground, scene, size_wh)
    areas: list[float] = np.bincount(owners.ravel(), minlength=len(class_ids) + 1)[1:].astype(float).tolist()
    for paste in scene.pastes:
        sprite = sprite_of(paste)
        color, alpha, face, area = laid(paste, sprite, size_wh)
        after = np.where(alpha >= SOLID, 0, owners).astype(np.uint8)
        if sprite.class_id >= 0:
            after[face >= SOLID] = len(areas) + 1
        wanted = [*areas, area] if sprite.class_id >= 0 else areas
        shown = np.bincount(after.ravel(), minlength=len(wanted) + 1)[1:]
        if any(count < max(min_visible * total, 4) for count, total in zip(shown, wanted, strict=True)):
            continue
        canvas = blended(canvas, lit(color, alpha, paste, canvas), alpha, paste)
        owners, areas = after, wanted
        class_ids += [sprite.class_id] if sprite.class_id >= 0 else []
    return Painted(taken(canvas, scene), owners, tuple(class_ids))


def taken(canvas: Floats, scene: Scene) -> Pixels:
    """The scene as a camera takes it: exposed, in warm or cool light, out of focus, moved, noisy."""
    canvas = canvas * (scene.gain * np.array([1 + scene.cast, 1, 1 - scene.cast], np.float32))
    if scene.defocus >= 0.3:
        canvas = cv2.GaussianBlur(canvas, (0, 0), scene.defocus)
    length = round(scene.motion)
    if length >= 2:
        kernel = np.zeros((length * 2 + 1, length * 2 + 1), np.float32)
        angle = math.radians(scene.motion_degrees)
        reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
        start, end = (tuple(np.round(length + sign * reach).astype(int).tolist()) for sign in (-1, 1))
        cv2.line(kernel, start, end, 1.0, 1)
        canvas = cv2.filter2D(canvas, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(scene.noise_seed).standard_normal(canvas.shape, np.float32)
    return np.asarray(np.clip(canvas + noise * scene.noise, 0, 255), np.uint8)


def boxes_of(owners: Pixels, count: int) -> list[PixelBox]:
    """The bounds of each face's visible pixels, in the order of their numbers; each must show at least one pixel."""
    boxes = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero(owners == number)
        boxes.append(PixelBox(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)))
    return boxes
