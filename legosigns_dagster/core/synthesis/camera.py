"""What the camera and the light do to a whole synthetic image."""

import math

import cv2
import numpy as np

from legosigns_dagster.core.synthesis.canvas import Floats, Pixels
from legosigns_dagster.core.synthesis.scene import CameraEffects


def apply_camera_effects(rgb: Floats, camera: CameraEffects) -> Pixels:
    """Apply exposure, color cast, defocus, motion blur and sensor noise, in this order."""
    rgb = rgb * (camera.gain * np.array([1 + camera.color_cast, 1, 1 - camera.color_cast], np.float32))
    if camera.defocus_px >= 0.3:
        rgb = cv2.GaussianBlur(rgb, (0, 0), camera.defocus_px)
    length = round(camera.motion_px)
    if length >= 2:
        kernel = np.zeros((length * 2 + 1, length * 2 + 1), np.float32)
        angle = math.radians(camera.motion_degrees)
        reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
        start, end = (tuple(np.round(length + sign * reach).astype(int).tolist()) for sign in (-1, 1))
        cv2.line(kernel, start, end, 1.0, 1)
        rgb = cv2.filter2D(rgb, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(camera.noise_seed).standard_normal(rgb.shape, np.float32)
    return np.asarray(np.clip(rgb + noise * camera.noise, 0, 255), np.uint8)
