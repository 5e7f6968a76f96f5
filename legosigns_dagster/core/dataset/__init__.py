"""The dataset: images with boxes, split and group, on disk and in tables, and the checks on it.

May import: core, core.images, core.sources.
"""
