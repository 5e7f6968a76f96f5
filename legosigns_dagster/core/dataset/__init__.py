"""The dataset: images with boxes, split and group, on disk and in tables, and what can be wrong with one.

May import: core.
"""
