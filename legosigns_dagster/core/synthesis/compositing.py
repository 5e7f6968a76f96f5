"""Render the image that a plan describes. Nothing is random here; boxes are measured on the pixels that were pasted."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.camera import apply_camera_effects
from legosigns_dagster.core.synthesis.canvas import Canvas, CropTransform, Floats, Pixels, existing_signs
from legosigns_dagster.core.synthesis.masks import InstanceMask
from legosigns_dagster.core.synthesis.scene import Paste, Scene

MIN_ALPHA = 0.5  # a pixel belongs to a sign when at least half of it does
MIN_VISIBLE_PX = 4  # a face must show at least as many pixels, however small it is


@dataclass(frozen=True)
class Sprite:
    """A cut-out or a drawn distractor in memory.

    Attributes:
        rgba: Its pixels, shape (height, width, 4).
        face: The box of its face, in its own pixels.
        class_id: Its class id; -1 for a distractor.
    """

    rgba: Pixels
    face: PixelBox
    class_id: int


@dataclass(frozen=True)
class WarpedSprite:
    """A sprite moved into the image's plane. All three arrays have the image's height and width.

    Attributes:
        color: RGB times alpha, shape (height, width, 3), 0 to 255.
        alpha: Its alpha, shape (height, width), 0 to 1.
        face_alpha: The alpha of its face alone, shape (height, width), 0 to 1.
        face_area: Area of its face in square pixels, with the part outside of the image.
    """

    color: Floats
    alpha: Floats
    face_alpha: Floats
    face_area: float


@dataclass(frozen=True)
class RenderedScene:
    """A finished image.

    Attributes:
        rgb: Its pixels, shape (height, width, 3).
        instance_mask: Which sign's face is visible where, shape (height, width).
        class_ids: The signs' class ids, in the order of their numbers in the mask.
    """

    rgb: Pixels
    instance_mask: InstanceMask
    class_ids: tuple[int, ...]


def project_corners(paste: Paste, face: PixelBox) -> Floats:
    """Where the face's four corners lie in the image: x and y in pixels, shape (4, 2), clockwise from the top left."""
    ratio = math.sqrt(face.width / face.height)
    half = np.array([paste.size_px * ratio, paste.size_px / ratio]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    corners[:, 0] *= math.cos(math.radians(paste.yaw_degrees))
    shifted = corners + np.array(paste.corner_shifts).reshape(4, 2) * paste.size_px
    angle = math.radians(paste.tilt_degrees)
    rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(shifted @ rotation + np.array(paste.center), np.float32)


def warp_sprite(paste: Paste, sprite: Sprite, size_wh: tuple[int, int]) -> WarpedSprite:
    """Warp a sprite into an image of width and height `size_wh`. One homography moves color, alpha and face alike."""
    rgba, face = sprite.rgba, sprite.face
    shrink = min(1.0, 1.5 * paste.size_px / math.sqrt(face.area))
    size = (max(round(rgba.shape[1] * shrink), 1), max(round(rgba.shape[0] * shrink), 1))
    alpha = np.asarray(rgba[..., 3:] / np.float32(255), np.float32)
    face_alpha = np.zeros(rgba.shape[:2], np.float32)
    rows, columns = slice(round(face.top), round(face.bottom)), slice(round(face.left), round(face.right))
    face_alpha[rows, columns] = alpha[rows, columns, 0]
    scale = np.array([size[0] / rgba.shape[1], size[1] / rgba.shape[0]])
    box = [[face.left, face.top], [face.right, face.top], [face.right, face.bottom], [face.left, face.bottom]]
    target = project_corners(paste, face)
    # Corners are edges of pixels here and centres in OpenCV: half a pixel lies between the two.
    matrix = cv2.getPerspectiveTransform((np.array(box) * scale - 0.5).astype(np.float32), target - 0.5)

    def warp(layer: Floats) -> Floats:
        # Averaged down first: warping straight to a tenth of the size would pick single pixels.
        small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.warpPerspective(small, matrix, size_wh, flags=cv2.INTER_LINEAR), np.float32)

    filled = float(face_alpha.sum()) / face.area  # share of the face's box that the face fills
    return WarpedSprite(
        color=warp(np.asarray(rgba[..., :3] * alpha, np.float32)),
        alpha=warp(alpha),
        face_alpha=warp(face_alpha),
        face_area=filled * abs(float(cv2.contourArea(target))),
    )


def match_lighting(color: Floats, alpha: Floats, paste: Paste, under: Floats) -> Floats:
    """Adapt a sprite to the light of the place: match its brightness in part, then apply gain, gamma and tint.

    Args:
        color: The sprite's RGB times alpha, shape (height, width, 3), 0 to 255.
        alpha: Its alpha, shape (height, width), 0 to 1.
        paste: How far it is matched, its gain, gamma and tint.
        under: The image below it, shape (height, width, 3), 0 to 255.

    Returns:
        The sprite's RGB, not multiplied by alpha, shape (height, width, 3), 0 to 255.
    """
    weight = max(float(alpha.sum()), 1.0)
    brightness = max(float(color.mean(axis=2).sum()) / weight, 1.0)
    brightness_under = float((under.mean(axis=2) * alpha).sum()) / weight
    factor = min(max((brightness_under / brightness) ** paste.light_match, 0.45), 1.3)
    lit = color / np.maximum(alpha, 1e-3)[..., None] * (factor * paste.gain)
    curved = 255 * (np.clip(lit, 0, 255) / 255) ** paste.gamma
    return np.asarray(np.clip(curved * np.array(paste.tint, np.float32), 0, 255), np.float32)


def blend(under: Floats, color: Floats, alpha: Floats, paste: Paste) -> Floats:
    """Blend a sprite's RGB into the image below it by alpha, with the kind of edge that the plan names."""
    if paste.blending == "feathered":
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    mixed: Floats = under * (1 - alpha[..., None]) + color * alpha[..., None]
    if paste.blending == "blurred edge":
        soft = cv2.GaussianBlur(mixed, (0, 0), 1.0)
        # The gradient of alpha is large along the edge alone.
        edge = np.clip(np.abs(alpha - cv2.blur(alpha, (5, 5))) * 3, 0, 1)[..., None]
        mixed = mixed * (1 - edge) + soft * edge
    if paste.blending == "poisson":
        mixed = blend_poisson(under, mixed, alpha)
    return mixed.astype(np.float32)


def blend_poisson(under: Floats, mixed: Floats, alpha: Floats) -> Floats:
    """Average Poisson blending and alpha blending: Poisson blending alone would wash out the sign's colors.

    A sprite that touches the image's border keeps its alpha blending: OpenCV's solver needs a pixel around it.
    Poisson image editing: Pérez et al., SIGGRAPH 2003.

    Args:
        under: The image below the sprite, shape (height, width, 3), 0 to 255.
        mixed: The image with the sprite blended in by alpha, of the same shape.
        alpha: The sprite's alpha, shape (height, width), 0 to 1.
    """
    solid = (alpha >= MIN_ALPHA).astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(solid)
    if not width or left < 2 or top < 2 or left + width > solid.shape[1] - 2 or top + height > solid.shape[0] - 2:
        return mixed
    center = (left + width // 2, top + height // 2)
    cloned = cv2.seamlessClone(np.uint8(mixed), np.uint8(under), solid, center, cv2.NORMAL_CLONE)
    return np.asarray((mixed + cloned.astype(np.float32)) / 2, np.float32)


def render_scene(
    scene: Scene,
    canvas: Canvas,
    load_sprite: Callable[[Paste], Sprite],
    size_wh: tuple[int, int],
    min_visible: float,
) -> RenderedScene:
    """Render a scene at width and height `size_wh`.

    A sign is not pasted where a face, its own or that of a sign below it, would show less than the share
    `min_visible`: a part of a sign without a box would teach the detector to overlook signs.
    """
    crop = CropTransform.for_scene(scene, (canvas.rgb.shape[1], canvas.rgb.shape[0]), size_wh)
    rgb = crop.apply_image(canvas.rgb, size_wh).astype(np.float32)
    mask, class_ids = existing_signs(canvas, scene, size_wh)
    areas: list[float] = np.bincount(mask.ravel(), minlength=len(class_ids) + 1)[1:].astype(float).tolist()
    for paste in scene.pastes:
        sprite = load_sprite(paste)
        is_sign = sprite.class_id >= 0
        warped = warp_sprite(paste, sprite, size_wh)
        new_mask = np.where(warped.alpha >= MIN_ALPHA, 0, mask).astype(np.uint8)
        if is_sign:
            new_mask[warped.face_alpha >= MIN_ALPHA] = len(areas) + 1
        new_areas = [*areas, warped.face_area] if is_sign else areas
        visible = np.bincount(new_mask.ravel(), minlength=len(new_areas) + 1)[1:]
        needed = (max(min_visible * area, MIN_VISIBLE_PX) for area in new_areas)
        if any(count < least for count, least in zip(visible, needed, strict=True)):
            continue
        rgb = blend(rgb, match_lighting(warped.color, warped.alpha, paste, rgb), warped.alpha, paste)
        mask, areas = new_mask, new_areas
        class_ids += [sprite.class_id] if is_sign else []
    return RenderedScene(apply_camera_effects(rgb, scene.camera), mask, tuple(class_ids))
