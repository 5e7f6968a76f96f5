"""The detector made by Ultralytics. It and its training import torch and Ultralytics, and only inside functions.

May import: core, core.inference, core.detector, detectors.ultralytics.training.
"""
